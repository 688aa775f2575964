/**
 * The requests of a message batch, out of a body that may be much longer than memory: each is judged as it comes and put
 * into a file, from which the batch is brought in like any other. What is bad is said at once, and nothing is left behind.
 */
import type { Config } from "../../src/config/config.ts";
import { verdictOn } from "../../src/intake/order.ts";
import { openSeenIds } from "../jsonl/seen-ids.ts";
import { pathOf, type Read } from "../wire/complaint.ts";
import { readAnthropicRequest } from "./anthropic-line.ts";
import type { FileStore, Incoming, StoredBytes } from "./file-store.ts";
import { splitList } from "./split-list.ts";

export interface TakenRequests {
  readonly stored: StoredBytes;
  readonly lines: number;
}

export interface TakeRules {
  readonly config: Config;
  /** Of the body. */
  readonly mostBytes: number;
  readonly mostRequests: number;
}

/** Anthropic's longest request alone is as long as a batch; ours is what a request may be. */
const longestBytes = 32 * 1024 * 1024;
const blockChars = 256 * 1024;

export class BodyTooLong extends Error {
  override readonly name = "BodyTooLong";
}

/** Throws BodyTooLong; rejects when the connection breaks off or the disk does not take it. */
export async function takeRequests(
  body: AsyncIterable<Uint8Array>,
  store: FileStore,
  rules: TakeRules,
): Promise<Read<TakenRequests>> {
  const incoming = await store.begin();
  try {
    const lines = await writeRequests(body, incoming, rules);
    if (!lines.ok) {
      await incoming.discard();
      return lines;
    }
    return { ok: true, value: { stored: await incoming.finish(), lines: lines.value } };
  } catch (error) {
    await incoming.discard();
    throw error;
  }
}

async function writeRequests(
  body: AsyncIterable<Uint8Array>,
  incoming: Incoming,
  { config, mostBytes, mostRequests }: TakeRules,
): Promise<Read<number>> {
  const ids = openSeenIds();
  let lines = 0;
  let block = "";
  for await (const piece of splitList(bounded(body, mostBytes), { field: "requests", longestBytes })) {
    if (!piece.ok) return piece;
    const at = pathOf("requests", [lines]);
    const value = parsed(piece.text);
    if (value === undefined) return { ok: false, reason: `${at} is not JSON` };
    const request = readAnthropicRequest(value, at);
    if (!request.ok) return request;
    lines += 1;
    if (lines > mostRequests) return { ok: false, reason: `requests must be at most ${mostRequests}` };
    const { customId, body: asked } = request.value;
    const { refusal } = verdictOn(config, { body: asked });
    if (refusal !== undefined) return { ok: false, reason: `${at}.params: ${refusal.message}` };
    const twin = ids.firstLine(customId, lines);
    if (twin !== undefined) return { ok: false, reason: `${at}.custom_id is that of requests[${twin - 1}] again` };
    block += `${JSON.stringify(value)}\n`;
    if (block.length < blockChars) continue;
    await incoming.write(Buffer.from(block));
    block = "";
  }
  if (lines === 0) return { ok: false, reason: "requests is missing or empty" };
  await incoming.write(Buffer.from(block));
  return { ok: true, value: lines };
}

async function* bounded(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw new BodyTooLong(`the body is longer than ${most} bytes`);
    yield chunk;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
