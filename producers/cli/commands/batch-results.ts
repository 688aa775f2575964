/** `batch results`: the answers there are, in input order; with --follow also those that are still to come. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type BatchView, batchById, finishBatches } from "../../../src/ledger/batches.ts";
import { outputTrouble } from "../../jsonl/output-file.ts";
import { type AnswerPage, finishedAnswers, nextAnswers } from "../../jsonl/results.ts";
import { count } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { onLeave } from "../leave.ts";
import { openShell, withFleet } from "../shell.ts";
import { printPages, writePages } from "./batch-answers.ts";
import { findBatch } from "./batch-find.ts";
import { summaryOf } from "./batch-summary.ts";

export interface ResultsOptions {
  readonly json?: boolean;
  readonly output?: string;
  readonly failed?: boolean;
  readonly follow?: boolean;
}

export async function showResults(id: string | undefined, options: ResultsOptions): Promise<void> {
  if (options.failed === true && options.follow === true) {
    throw new CommandFailed("--failed and --follow do not go together.", exitCodes.usage);
  }
  const { output } = options;
  const trouble = output === undefined ? undefined : await outputTrouble(output);
  if (trouble !== undefined) throw new CommandFailed(`The output ${output} ${trouble}.`, exitCodes.usage);
  const shell = openShell(options);
  await withFleet(shell, { ownSignals: true }, async (fleet) => {
    const leave = onLeave(exitCodes.failure);
    const batch = await findBatch(fleet, id);
    const pages =
      options.follow === true
        ? answersAsTheyCome(fleet, batch, leave.signal)
        : finishedAnswers(fleet.ledger, batch.id, options.failed === true ? "failed" : "finished");
    const answers = output === undefined ? await printPages(pages, shell.json) : await writePages(pages, output);
    if (output !== undefined) {
      shell.result({ id: batch.id, output, answers });
      shell.line(`${count(answers)} answers in ${output}`);
    }
    const { counts } = await summaryOf(fleet, batch);
    const open = counts.accepted - counts.succeeded - counts.failed - counts.cancelled;
    if (open > 0 && options.failed !== true)
      shell.note(`${count(open)} lines are not finished yet (--follow waits for them).`);
    leave.forget();
    if (leave.signal.aborted) process.exitCode = exitCodes.failure;
  });
}

const lookEveryMs = 500;

/** Each answer as soon as every earlier line has one. Ends with the batch, or when the person leaves. */
async function* answersAsTheyCome(fleet: Fleet, batch: BatchView, leave: AbortSignal): AsyncGenerator<AnswerPage> {
  for (let afterLine = 0; !leave.aborted; ) {
    const page = await nextAnswers(fleet.ledger, batch.id, afterLine);
    if (page.answers.length > 0) {
      afterLine = page.upTo;
      yield page;
      continue;
    }
    if (await hasEnded(fleet, batch)) {
      // The batch may have ended between the two looks.
      const rest = await nextAnswers(fleet.ledger, batch.id, afterLine);
      if (rest.answers.length === 0) return;
      continue;
    }
    await sleep(lookEveryMs, undefined, { signal: leave }).catch(() => {});
  }
}

async function hasEnded(fleet: Fleet, batch: BatchView): Promise<boolean> {
  await finishBatches(fleet.ledger);
  return (await batchById(fleet.ledger, batch.id))?.finishedAt !== undefined;
}
