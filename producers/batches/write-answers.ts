/**
 * The files of a batch that has ended: answers in one, everything else in the other, both in input order, each appearing
 * only when it has a line. They are written a page at a time, and a page is as long as it is light.
 */
import { type BatchLine, batchLines } from "../../src/ledger/batch-results.ts";
import type { HostedSummary } from "../../src/ledger/hosted-batches.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { answerLine } from "../jsonl/results.ts";
import type { FileStore, Incoming, StoredBytes } from "./file-store.ts";
import { openTally } from "./tally.ts";

export interface Answers {
  readonly output: StoredBytes | undefined;
  readonly error: StoredBytes | undefined;
  readonly summary: HostedSummary;
}

const mostLines = 100;
const lightChars = 512 * 1_024;

export interface Writing {
  readonly stop: AbortSignal;
  /** Otherwise the lines are only counted: their answers are read from the ledger. */
  readonly wanted: boolean;
}

/** Throws when `stop` is aborted; nothing is left behind then. */
export async function writeAnswers(
  ledger: Ledger,
  store: FileStore,
  batchId: string,
  { stop, wanted }: Writing,
): Promise<Answers> {
  const tally = openTally();
  const files: { output?: Incoming; error?: Incoming } = {};
  const write = async (kind: "output" | "error", lines: readonly string[]) => {
    if (lines.length === 0 || !wanted) return;
    files[kind] ??= await store.begin();
    await files[kind].write(Buffer.from(lines.join("")));
  };
  try {
    for (let afterLine = 0, limit = 20; ; ) {
      stop.throwIfAborted();
      const page = await batchLines(ledger, batchId, { afterLine, limit });
      const last = page.at(-1);
      if (last === undefined) break;
      afterLine = last.lineNo;
      for (const line of page) tally.add(line);
      const texts = wanted ? page.map((line) => ({ line, text: `${answerLine(line)}\n` })) : [];
      await write("output", textsOf(texts, true));
      await write("error", textsOf(texts, false));
      const chars = texts.reduce((sum, { text }) => sum + text.length, 0);
      limit = chars > lightChars ? Math.max(1, limit >> 1) : Math.min(mostLines, limit * 2);
    }
    return { output: await files.output?.finish(), error: await files.error?.finish(), summary: tally.summary() };
  } catch (error) {
    await Promise.allSettled([files.output?.discard(), files.error?.discard()]);
    throw error;
  }
}

const isAnswered = ({ state, result }: BatchLine): boolean => state === "succeeded" && result !== undefined;

const textsOf = (texts: readonly { readonly line: BatchLine; readonly text: string }[], answered: boolean): string[] =>
  texts.filter(({ line }) => isAnswered(line) === answered).map(({ text }) => text);
