/** The answers of a batch into a file or onto stdout, a page at a time. */
import { once } from "node:events";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { BatchView } from "../../../src/ledger/batches.ts";
import { openOutputFile } from "../../jsonl/output-file.ts";
import type { AnswerPage } from "../../jsonl/results.ts";
import { finishedAnswers } from "../../jsonl/results.ts";

/** All answers in input order. Returns how many. */
export const writeAnswers = (fleet: Fleet, batch: BatchView, path: string): Promise<number> =>
  writePages(finishedAnswers(fleet.ledger, batch.id, "finished"), path);

/** The file appears when it is whole; until then an older one stays. */
export async function writePages(pages: AsyncIterable<AnswerPage>, path: string): Promise<number> {
  const output = await openOutputFile(path);
  let written = 0;
  try {
    for await (const { answers } of pages) {
      await output.write(answers.map((answer) => `${answer}\n`).join(""));
      written += answers.length;
    }
  } catch (error) {
    await output.discard();
    throw error;
  }
  await output.finish();
  return written;
}

/** As lines, or as one JSON list. Ends early when the reader has gone. */
export async function printPages(pages: AsyncIterable<AnswerPage>, json: boolean): Promise<number> {
  const { stdout } = process;
  const say = async (text: string) => {
    // A reader that has gone is no failure: `once` rejects on the pipe's error, and the next look finds it closed.
    if (!stdout.write(text) && stdout.writable) await once(stdout, "drain").catch(() => {});
  };
  let printed = 0;
  for await (const { answers } of pages) {
    if (!stdout.writable) return printed;
    const texts = json
      ? answers.map((answer, at) => `${printed + at === 0 ? "[" : ","}\n${answer}`)
      : answers.map((answer) => `${answer}\n`);
    await say(texts.join(""));
    printed += answers.length;
  }
  if (json) await say(printed === 0 ? "[]\n" : "\n]\n");
  return printed;
}
