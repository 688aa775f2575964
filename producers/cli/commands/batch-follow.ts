/** Watches a batch until it ends or the person leaves. The batch does not need its watcher. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type BatchView, batchById, finishBatches } from "../../../src/ledger/batches.ts";
import { patiently } from "../patience.ts";
import type { Progress } from "../progress.ts";
import { openPace } from "../progress-pace.ts";
import { type Look, lookAt } from "./batch-look.ts";

export interface Following {
  readonly fleet: Fleet;
  readonly batch: BatchView;
  readonly progress: Progress;
  /** Aborted when the person leaves. */
  readonly leave: AbortSignal;
  /** Told of every look. */
  readonly onLook?: (look: Look) => Promise<void>;
}

const slowMs = 5_000;

/** The batch as it ended, or undefined when the person left before. */
export async function followBatch({
  fleet,
  batch,
  progress,
  leave,
  onLook,
}: Following): Promise<BatchView | undefined> {
  const pace = openPace();
  while (!leave.aborted) {
    const began = performance.now();
    // A lost connection is opened again inside the client: then a query does not fail, it just does not come back.
    const slow = setTimeout(() => progress.note("The ledger has not answered for 5 s; waiting for it."), slowMs);
    const ended = await patiently(() => look(), { say: progress.note, signal: leave }).finally(() =>
      clearTimeout(slow),
    );
    if (ended !== undefined) return ended;
    // A look at a large batch costs: looking takes at most a quarter of the time.
    const pauseMs = Math.max(progress.lookEveryMs, 3 * (performance.now() - began));
    await sleep(pauseMs, undefined, { signal: leave }).catch(() => {});
  }
  return undefined;

  async function look(): Promise<BatchView | undefined> {
    const seen = await lookAt(fleet, batch, pace);
    progress.show(seen.view);
    const { queued, dispatched, running, waiting, held } = seen.counts;
    if (queued + dispatched + running + waiting + held > 0) {
      await onLook?.(seen);
      return undefined;
    }
    // The reconciler would do this within its tick; there may be none.
    await finishBatches(fleet.ledger);
    const now = await batchById(fleet.ledger, batch.id);
    return now?.finishedAt === undefined ? undefined : now;
  }
}
