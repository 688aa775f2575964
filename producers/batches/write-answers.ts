/**
 * The files of a batch that has ended: answers in one, everything else in the other, both in input order, each appearing
 * only when it has a line. They are written a page at a time.
 */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import type { HostedSummary } from "../../src/ledger/hosted-batches.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { linePages } from "../jsonl/results.ts";
import type { FileStore, Incoming, StoredBytes } from "./file-store.ts";
import { openTally } from "./tally.ts";

export interface Answers {
  readonly output: StoredBytes | undefined;
  readonly error: StoredBytes | undefined;
  readonly summary: HostedSummary;
}

export interface Writing {
  readonly stop: AbortSignal;
  /** Otherwise the lines are only counted: their answers are read from the ledger. */
  readonly wanted: boolean;
  /** How many lines there must be; undefined: nobody knows. */
  readonly total: number | undefined;
}

/** Throws when `stop` is aborted, or when lines are missing; nothing is left behind then. */
export async function writeAnswers(
  ledger: Ledger,
  store: FileStore,
  batchId: string,
  { stop, wanted, total }: Writing,
): Promise<Answers> {
  const tally = openTally();
  const files: { output?: Incoming; error?: Incoming } = {};
  const write = async (kind: "output" | "error", lines: readonly string[]) => {
    if (lines.length === 0 || !wanted) return;
    files[kind] ??= await store.begin();
    await files[kind].write(Buffer.from(lines.join("")));
  };
  try {
    for await (const { lines, answers } of linePages(ledger, batchId)) {
      stop.throwIfAborted();
      for (const line of lines) tally.add(line);
      const textsOf = (kind: keyof typeof files) =>
        answers.flatMap((text, at) => (kindOf(lines[at]) === kind ? `${text}\n` : []));
      for (const kind of ["output", "error"] as const) await write(kind, textsOf(kind));
    }
    const summary = tally.summary();
    if (total !== undefined && summary.total !== total) {
      throw new Error(`batch ${batchId} has ${total} lines, and ${summary.total} of them have an end`);
    }
    return { output: await files.output?.finish(), error: await files.error?.finish(), summary };
  } catch (error) {
    await Promise.allSettled([files.output?.discard(), files.error?.discard()]);
    throw error;
  }
}

const kindOf = (line: BatchLine | undefined): "output" | "error" =>
  line?.state === "succeeded" && line.result !== undefined ? "output" : "error";
