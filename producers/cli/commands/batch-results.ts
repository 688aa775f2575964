/** `batch results`: the answers there are, in input order; with --follow also those that are still to come. */

import { answersAsTheyCome, batchHasEnded } from "../../jsonl/coming-answers.ts";
import { outputTrouble } from "../../jsonl/output-file.ts";
import { finishedAnswers } from "../../jsonl/results.ts";
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
        ? answersAsTheyCome(fleet.ledger, batch.id, leave.signal, 0, () => batchHasEnded(fleet.ledger, batch.id))
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
