/** Items of a batch, from the program itself or from a file: judged whole before anything is stored. */
import { createHash } from "node:crypto";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { refusalOf, verdictOn } from "../../src/intake/order.ts";
import type { Body } from "../../src/request/body.ts";
import type { Priority } from "../../src/request/priority.ts";
import { known } from "../../src/runtime/known.ts";
import { checkInput } from "../jsonl/check.ts";
import { enqueue, openChunk, storeChunk } from "../jsonl/enqueue.ts";
import { openInput } from "../jsonl/input.ts";
import type { Read } from "../wire/complaint.ts";
import { idSchema } from "../wire/fields.ts";
import { type Asked, bodyOf } from "./ask.ts";
import type { Handing, Lines } from "./batch-hand-in.ts";

/** What is asked, with an id that is unique in its batch. */
export type BatchItem = Asked & { readonly id?: string; readonly priority?: Priority };

/** A file of lines as `millrace batch run` takes it. */
export interface BatchFile {
  readonly file: string;
}

const chunkItems = 1_000;
/** As many reasons as a person reads. */
const shown = 3;

interface Line {
  readonly no: number;
  readonly customId: string;
  readonly priority: Priority;
  readonly body: Body;
}

export function readItems(fleet: Fleet, items: readonly BatchItem[], handing: Handing): Read<Lines> {
  const lines: Line[] = [];
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const line = readItem(fleet, item, index, handing);
    const reason = !line.ok ? line.reason : seen.has(line.value.customId) ? "has an id that another has" : undefined;
    if (reason !== undefined) wrong.push(`[${index}] ${reason}`);
    else if (line.ok) {
      seen.add(line.value.customId);
      lines.push(line.value);
    }
  }
  if (wrong.length > 0) return { ok: false, reason: fewOf(wrong) };
  if (lines.length === 0) return { ok: false, reason: "a batch needs an item" };
  const contentHash = createHash("sha256").update(JSON.stringify(lines)).digest("hex");
  return { ok: true, value: { total: lines.length, contentHash, bring: bringItems(fleet, lines, handing), close } };
}

const close = async (): Promise<void> => {};

function readItem(fleet: Fleet, item: BatchItem, index: number, handing: Handing): Read<Line> {
  const { id = `line-${index + 1}`, priority = handing.priority, ...asked } = item;
  if (!idSchema.safeParse(id).success) return { ok: false, reason: "id must be 1 to 512 printable characters" };
  const body = bodyOf({ ...(handing.model === undefined ? {} : { model: handing.model }), ...asked }, false);
  if (!body.ok) return body;
  const refusal = refusalOf(fleet.config, { body: body.value });
  if (refusal !== undefined) return { ok: false, reason: refusal.message };
  return { ok: true, value: { no: index + 1, customId: id, priority, body: body.value } };
}

const bringItems =
  ({ intake }: Fleet, lines: readonly Line[], { tenant, deadlineMs }: Handing): Lines["bring"] =>
  async (batchId, afterLine, wanted) => {
    let chunk = openChunk(chunkItems);
    for (const { no, customId, priority, body } of lines.filter(({ no }) => no > afterLine)) {
      const line = { no, customId, shape: "plain" as const };
      const order = { body, tenant, priority, batchId, line, ...known({ deadlineMs }) };
      chunk.add(order, JSON.stringify(body).length);
      if (!chunk.isFull() && no !== lines.length) continue;
      if (!(await wanted())) return "stopped";
      await storeChunk(intake, chunk.orders);
      chunk = openChunk(chunkItems);
    }
    return "all";
  };

export async function readFile(fleet: Fleet, { file }: BatchFile, handing: Handing): Promise<Read<Lines>> {
  const opened = await openInput(file);
  if (!opened.ok) return { ok: false, reason: `${file} ${opened.reason}` };
  const { input } = opened;
  const rules = {
    defaults: { model: handing.model, priority: handing.priority },
    verdict: (body: Body) => {
      const { refusal, warning } = verdictOn(fleet.config, { body });
      return refusal === undefined ? (warning === undefined ? {} : { warning }) : { refusal: refusal.message };
    },
  };
  const { good, problems, contentHash } = await checkInput(input, rules).catch(async (error: unknown) => {
    await input.close();
    throw error;
  });
  if (problems.count > 0 || good === 0) {
    await input.close();
    const found = problems.first.map(({ line, reason }) => `${file}:${line}: ${reason}`);
    return { ok: false, reason: good === 0 && problems.count === 0 ? `${file} holds no line` : fewOf(found) };
  }
  const { tenant, deadlineMs } = handing;
  return {
    ok: true,
    value: {
      total: good,
      contentHash,
      bring: (batchId, afterLine, wanted) =>
        enqueue(input, {
          intake: fleet.intake,
          batchId,
          tenant,
          deadlineMs,
          rules,
          contentHash,
          afterLine,
          wanted,
          stored: () => {},
        }),
      close: () => input.close(),
    },
  };
}

function fewOf(reasons: readonly string[]): string {
  const more = reasons.length > shown ? `; and ${reasons.length - shown} more` : "";
  return `${reasons.slice(0, shown).join("; ")}${more}`;
}
