/**
 * The second reading of a batch file: the good lines become requests, a chunk at a time and in their order, so that a
 * run that was killed goes on behind the last line that is in. Accepting a line again does nothing.
 */
import { createHash } from "node:crypto";
import type { Intake } from "../../src/intake/accept.ts";
import type { Order } from "../../src/intake/order.ts";
import { known } from "../../src/runtime/known.ts";
import type { Read } from "../wire/complaint.ts";
import { hashed, type Rules } from "./check.ts";
import type { Input } from "./input.ts";
import { readLine } from "./line.ts";
import { type Line, readLines } from "./lines.ts";
import type { ParsedLine } from "./parsed-line.ts";

export interface Enqueueing {
  readonly intake: Pick<Intake, "accept">;
  readonly batchId: string;
  readonly tenant: string;
  /** From when a line is stored; or `deadlineAt`. */
  readonly deadlineMs: number | undefined;
  /** The same for all lines. */
  readonly deadlineAt?: Date;
  readonly rules: Rules;
  /** Of lines of another kind; those of batch files unless given. */
  readonly read?: (line: Line) => Read<ParsedLine>;
  /** Of the first reading; other content ends the second one. */
  readonly contentHash: string;
  /** Lines that travel together; a thousand unless given. Fewer are slower and take less memory. */
  readonly chunkLines?: number;
  /** Lines up to this one are in already. */
  readonly afterLine: number;
  /** Before each chunk: whether to go on. */
  readonly wanted: () => Promise<boolean>;
  /** Then: how many of its lines, from the first on, may go in now; all unless given. Fewer end the reading. */
  readonly admit?: (orders: readonly Order[]) => Promise<number>;
  /** After each chunk: the last line that is in. */
  readonly stored: (line: number) => void;
}

/** `stopped`: no longer wanted, or not all admitted. `changed`: the file is not what was checked; nothing more was stored. */
export type Enqueued = "all" | "stopped" | "changed";

/** The settings are not what they were when the line was checked. */
export class CheckedLineRefused extends Error {
  override readonly name = "CheckedLineRefused";
}

/** Rejects when the ledger is away; calling again goes on. Throws CheckedLineRefused. */
export async function enqueue(input: Input, work: Enqueueing): Promise<Enqueued> {
  const hash = createHash("sha256");
  const open = () => openChunk(work.chunkLines ?? chunkLines);
  let chunk = open();
  /** The chunk on its way: the next one is read meanwhile. */
  let sending: Promise<void> = Promise.resolve();
  const send = async (): Promise<boolean> => {
    await sending;
    if (chunk.orders.length === 0) return true;
    if (!(await work.wanted())) return false;
    const { orders } = chunk;
    const admitted = (await work.admit?.(orders)) ?? orders.length;
    sending = store(work, orders.slice(0, admitted));
    if (admitted < orders.length) {
      await sending;
      return false;
    }
    // It is awaited before the next chunk or at the end; until then its failure is nobody's.
    sending.catch(() => {});
    chunk = open();
    return true;
  };

  for await (const line of readLines(hashed(input.chunks(), hash))) {
    if (line.no <= work.afterLine) continue;
    const read = (work.read ?? ((one) => readLine(one, work.rules.defaults)))(line);
    if (!read.ok || work.rules.verdict(read.value.body).refusal !== undefined) continue;
    chunk.add(orderOf(work, read.value, line.no), line.readable ? line.text.length : 0);
    if (chunk.isFull() && !(await send())) return "stopped";
  }
  // The last chunk waits for the hash: a file that changed is noticed before the batch is whole.
  await sending;
  if (hash.digest("hex") !== work.contentHash) return "changed";
  if (!(await send())) return "stopped";
  await sending;
  return "all";
}

const chunkLines = 1_000;
/** A chunk travels in one statement; lines may be long. */
const chunkChars = 4 * 1024 * 1024;

export function openChunk(mostLines: number) {
  const orders: Order[] = [];
  let chars = 0;
  return {
    orders,
    add(order: Order, length: number) {
      orders.push(order);
      chars += length;
    },
    isFull: () => orders.length >= mostLines || chars >= chunkChars,
  };
}

async function store(work: Enqueueing, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return;
  await storeChunk(work.intake, orders);
  work.stored(orders.at(-1)?.line?.no ?? 0);
}

/** Throws CheckedLineRefused. */
export async function storeChunk(intake: Pick<Intake, "accept">, orders: readonly Order[]): Promise<void> {
  const accepted = await intake.accept(orders);
  const refused = accepted.find((answer) => !answer.ok);
  // The rules asked the same question of the same settings a moment ago.
  if (refused?.ok === false) throw new CheckedLineRefused(`a checked line was refused: ${refused.refusal.message}`);
}

const orderOf = (work: Enqueueing, line: ParsedLine, no: number): Order => ({
  body: line.body,
  tenant: work.tenant,
  priority: line.priority,
  batchId: work.batchId,
  line: { no, customId: line.customId, shape: line.shape },
  ...known({ deadlineMs: work.deadlineAt === undefined ? work.deadlineMs : work.deadlineAt.getTime() - Date.now() }),
});
