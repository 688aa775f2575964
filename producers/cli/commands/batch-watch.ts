/** `batch watch`: looks on until the batch ends. It starts nothing: the batch belongs to its workers. */
import { exitCodes } from "../exit.ts";
import { onLeave } from "../leave.ts";
import { openProgress } from "../progress.ts";
import { openShell, withFleet } from "../shell.ts";
import { findBatch } from "./batch-find.ts";
import { followBatch } from "./batch-follow.ts";
import { leaveBatch } from "./batch-leave.ts";
import { exitCodeOf, summaryJson, summaryLine, summaryOf } from "./batch-summary.ts";

export async function watchBatch(id: string | undefined, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, { ownSignals: true }, async (fleet) => {
    const leave = onLeave(exitCodes.failure);
    const progress = openProgress(process.stderr);
    const batch = await findBatch(fleet, id);
    if (batch.state === "accepting") {
      progress.note(
        `The lines of ${batch.source} are still coming in. If nobody brings them, run the same \`batch run\` again.`,
      );
    }
    const ended =
      batch.finishedAt === undefined ? await followBatch({ fleet, batch, progress, leave: leave.signal }) : batch;
    progress.end();
    leave.forget();
    if (ended === undefined) return leaveBatch({ fleet, shell, batch, working: false, sameCommand: false });
    const summary = await summaryOf(fleet, ended);
    shell.result(summaryJson(summary));
    shell.line(summaryLine(summary));
    shell.note(`Its answers: \`millrace batch results ${ended.id} -o OUT.jsonl\`.`);
    process.exitCode = exitCodeOf(summary);
  });
}
