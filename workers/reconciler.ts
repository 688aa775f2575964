/**
 * The reconciler compares what Redis holds with what Postgres says, and brings back what was lost on the way. One leads;
 * its work is bounded, idempotent and safe when two run. It also folds statistics and finishes batches.
 */
import { openCircuits } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { recallDispatched } from "../src/ledger/backlog.ts";
import { finishBatches } from "../src/ledger/batches.ts";
import {
  expireOverdue,
  factOf,
  oldDispatched,
  recallOtherEpochs,
  rescueExpiredLeases,
  setFact,
} from "../src/ledger/rescue.ts";
import { openRetention } from "../src/ledger/retention.ts";
import { rollUpAttempts } from "../src/ledger/stats.ts";
import { sideOf } from "../src/queue/lane-job.ts";
import { openLeadership } from "../src/queue/leadership.ts";
import { openLoop } from "../src/runtime/loop.ts";
import { assertIsolations, assertPauses } from "./switches.ts";

const tickMs = 1_000;
/** A job may take this long from the commit of its row to the lane; younger rows are not looked for. */
const jobGraceMs = 10_000;

export function startReconciler(fleet: Fleet, onError: (error: unknown) => void): { stop(): Promise<void> } {
  const leadership = openLeadership(fleet.redisUrl);
  const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
  const { ledger, lanes } = fleet;
  const retention = openRetention(ledger, fleet.config);
  let lastJobSearch = 0;

  async function tick(): Promise<number> {
    if (!(await leadership.leads("reconciler"))) return tickMs;
    const epoch = await lanes.epoch();
    if ((await factOf(ledger, "redis_epoch")) !== epoch) {
      await assertPauses(fleet);
      await assertIsolations(ledger, circuits);
      // Last: what fails on the way is asserted again by the next look.
      await setFact(ledger, "redis_epoch", epoch);
    }
    const recalled = await recallOtherEpochs(ledger, epoch);
    const rescued = await rescueExpiredLeases(ledger);
    const missing = Date.now() - lastJobSearch < jobGraceMs ? 0 : await recallMissingJobs();
    await expireOverdue(ledger);
    await finishBatches(ledger);
    const rolledUp = await rollUpAttempts(ledger);
    await retention.look();
    const back = recalled + rescued.requeued + missing;
    if (back > 0) {
      fleet.telemetry.count("rescued", {}, back);
      fleet.bell.ring(["*"]);
    }
    return rolledUp >= 50_000 ? 0 : tickMs;
  }

  /** Dispatched rows whose job is not in Redis: removed on the board, or never added. */
  async function recallMissingJobs(): Promise<number> {
    lastJobSearch = Date.now();
    let recalled = 0;
    for (const pool of fleet.config.catalog.pools.keys()) {
      const rows = await oldDispatched(ledger, pool, jobGraceMs);
      if (rows.length === 0) continue;
      const missing = await lanes.missing(
        pool,
        rows.map((row) => ({ ...row, side: sideOf(row.priority) })),
      );
      recalled += await recallDispatched(ledger, missing);
    }
    return recalled;
  }

  const loop = openLoop(tick, { onError, retryMs: tickMs });
  return {
    async stop() {
      await loop.stop();
      await leadership.resign();
      circuits.close();
    },
  };
}
