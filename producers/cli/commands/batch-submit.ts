/** `batch submit`: hands the file in and does not wait. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { count } from "../amounts.ts";
import { exitCodes } from "../exit.ts";
import { onLeave } from "../leave.ts";
import { openShell, type Shell, withFleet } from "../shell.ts";
import { type HandedIn, handIn } from "./batch-hand-in.ts";
import { withCheckedFile } from "./batch-input.ts";
import { leaveHandIn } from "./batch-leave.ts";
import type { BatchRunOptions } from "./batch-options.ts";
import { summaryJson, summaryLine, summaryOf } from "./batch-summary.ts";
import { unservedLanes } from "./batch-workers.ts";

export async function submitBatch(path: string, options: BatchRunOptions): Promise<void> {
  const shell = openShell(options);
  await withCheckedFile(path, options, shell, (checked) =>
    withFleet(shell, { ownSignals: true }, async (fleet) => {
      const leave = onLeave(exitCodes.failure);
      const handedIn = await handIn({ ...checked, fleet, options, source: path, say: shell.note, leave: leave.signal });
      leave.forget();
      if (handedIn.complete) await tell(fleet, shell, handedIn);
      else leaveHandIn(shell, handedIn.batch, path);
    }),
  );
}

async function tell(fleet: Fleet, shell: Shell, { batch, fresh }: HandedIn): Promise<void> {
  const summary = await summaryOf(fleet, batch);
  shell.result({ ...summaryJson(summary), fresh });
  shell.line(
    fresh
      ? `batch ${batch.id}: accepted ${count(summary.counts.accepted)} lines`
      : `${summaryLine(summary)} (handed in before; --new starts over)`,
  );
  if (batch.finishedAt !== undefined) return;
  if ((await unservedLanes(fleet, batch.id)).length > 0) {
    shell.note("No worker is running: start one with `millrace up`.");
  }
  shell.note(`Watch it with \`millrace batch watch ${batch.id}\`.`);
}
