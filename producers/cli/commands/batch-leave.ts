/** Leaving a batch: it goes on or it rests, and it is said how to come back. Leaving is not success: exit code 1. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import type { BatchView } from "../../../src/ledger/batches.ts";
import { count } from "../amounts.ts";
import { exitCodes } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { summaryJson, summaryOf } from "./batch-summary.ts";

export interface Leaving {
  readonly fleet: Fleet;
  readonly shell: Shell;
  readonly batch: BatchView;
  /** The workers are in this process and end with it. */
  readonly working: boolean;
  /** How to come back, besides `batch watch`. */
  readonly sameCommand: boolean;
}

/** Before the batch ended. */
export async function leaveBatch({ fleet, shell, batch, working, sameCommand }: Leaving): Promise<void> {
  const summary = await summaryOf(fleet, batch);
  const { accepted, succeeded, failed, cancelled } = summary.counts;
  const done = succeeded + failed + cancelled;
  shell.result({ ...summaryJson(summary), detached: true });
  shell.note(`Detached from batch ${batch.id}: ${count(done)} of ${count(accepted)} done, nothing is lost.`);
  if (working) {
    shell.note("Its workers ran in this command and end with it, after the calls under way (Ctrl-C again: at once).");
  }
  const watch = `\`${working ? "millrace up` and `" : ""}millrace batch watch ${batch.id}\``;
  shell.note(`Come back with ${sameCommand ? "the same command, or with " : ""}${watch}.`);
  process.exitCode = exitCodes.failure;
}

/** Before every line was in. */
export function leaveHandIn(shell: Shell, batch: BatchView, path: string): void {
  shell.result({ id: batch.id, state: batch.state, detached: true });
  shell.note(`Detached from batch ${batch.id} while its lines were coming in; what is in is kept.`);
  shell.note(`Come back with the same command: it goes on with ${path} where it stopped.`);
  process.exitCode = exitCodes.failure;
}
