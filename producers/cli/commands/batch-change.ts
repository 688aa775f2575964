/** `batch retry`, `batch pause`, `batch resume` and `batch cancel`. */
import { pauseBatch, resumeBatch } from "../../../src/ledger/batch-pause.ts";
import { batchCounts, cancelBatch, retryFailed } from "../../../src/ledger/batches.ts";
import { count } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { openShell, withFleet } from "../shell.ts";
import { findBatch } from "./batch-find.ts";
import { unservedLanes } from "./batch-workers.ts";

export interface RetryOptions {
  readonly json?: boolean;
  readonly failed?: boolean;
}

export async function retryBatch(id: string, options: RetryOptions): Promise<void> {
  if (options.failed !== true) {
    throw new CommandFailed("Say which lines: --failed is the only choice so far.", exitCodes.usage);
  }
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batch = await findBatch(fleet, id);
    const retried = await retryFailed(fleet.ledger, batch.id);
    fleet.bell.ring(["*"]);
    const { failed } = await batchCounts(fleet.ledger, batch.id);
    shell.result({ id: batch.id, retried, failed });
    shell.line(
      retried + failed === 0
        ? `batch ${batch.id}: no line has failed`
        : `batch ${batch.id}: ${count(retried)} failed lines run again`,
    );
    if (failed > 0) shell.note(`${count(failed)} failed lines stay: their prompts are masked or no longer kept.`);
    if (retried === 0) return;
    if ((await unservedLanes(fleet, batch.id)).length > 0) {
      shell.note("No worker is running: start one with `millrace up`, or run the same `batch run` again.");
    }
    shell.note(`Watch it with \`millrace batch watch ${batch.id}\`.`);
  });
}

export async function cancelOne(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batch = await findBatch(fleet, id);
    const ended = batch.finishedAt !== undefined;
    const cancelled = ended ? 0 : await cancelBatch(fleet.ledger, batch.id);
    shell.result({ id: batch.id, cancelled, state: ended ? batch.state : "cancelled" });
    shell.line(
      ended
        ? `batch ${batch.id} has ended already (${batch.state}); nothing to cancel`
        : `batch ${batch.id}: ${count(cancelled)} lines cancelled; finished ones keep their answers`,
    );
  });
}

export async function pauseOne(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batch = await findBatch(fleet, id);
    const paused = await pauseBatch(fleet.ledger, batch.id);
    shell.result({ id: batch.id, paused });
    shell.line(
      paused
        ? `batch ${batch.id} is paused; calls under way finish, and \`millrace batch resume ${batch.id}\` goes on`
        : `batch ${batch.id} has ended already (${batch.state}); nothing to pause`,
    );
  });
}

export async function resumeOne(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const batch = await findBatch(fleet, id);
    const resumed = await resumeBatch(fleet.ledger, batch.id);
    fleet.bell.ring(["*"]);
    shell.result({ id: batch.id, resumed });
    shell.line(`batch ${batch.id} goes on with ${count(resumed)} lines`);
  });
}
