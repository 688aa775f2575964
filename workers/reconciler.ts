/**
 * The reconciler compares what Redis holds with what Postgres says, and brings back what was lost on the way. One leads;
 * its work is bounded, idempotent and safe when two run. What the ledger alone needs goes on while Redis is away: expired
 * leases, deadlines, batches that are done, statistics.
 */
import { openCircuits } from "../src/admission/circuits.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { holdPaused } from "../src/ledger/batch-pause.ts";
import { finishBatches } from "../src/ledger/batches.ts";
import { expireOverdue, factOf, recallOtherEpochs, rescueExpiredLeases, setFact } from "../src/ledger/rescue.ts";
import { openRetention } from "../src/ledger/retention.ts";
import { rollUpAttempts } from "../src/ledger/stats.ts";
import { openLeadership } from "../src/queue/leadership.ts";
import { openLoop } from "../src/runtime/loop.ts";
import { openJobCheck } from "./job-check.ts";
import { assertIsolations, assertPauses } from "./switches.ts";

const tickMs = 1_000;
const jobCheckMs = 10_000;

export function startReconciler(fleet: Fleet, onError: (error: unknown) => void): { stop(): Promise<void> } {
  const leadership = openLeadership(fleet.redisUrl);
  const circuits = openCircuits(fleet.redisUrl, fleet.config.catalog);
  const jobCheck = openJobCheck(fleet);
  const { ledger, lanes } = fleet;
  const retention = openRetention(ledger, fleet.config);
  let jobsCheckedAt = 0;

  /** With Redis away everyone leads. */
  async function tendLedger(): Promise<number> {
    let trouble: unknown;
    const leads = await leadership.leads("reconciler").catch((error: unknown) => {
      trouble = error;
      return true;
    });
    if (!leads) return tickMs;
    const { requeued } = await rescueExpiredLeases(ledger);
    tellBack(requeued);
    await expireOverdue(ledger);
    await holdPaused(ledger);
    await finishBatches(ledger);
    const rolledUp = await rollUpAttempts(ledger);
    if (trouble !== undefined) throw trouble;
    await retention.look();
    return rolledUp >= 50_000 ? 0 : tickMs;
  }

  async function tendRedis(): Promise<number> {
    if (!(await leadership.leads("reconciler"))) return tickMs;
    await followEpoch();
    await compareJobs();
    return tickMs;
  }

  /** Redis lost its data, or another server has it, which may lack the last of them. */
  async function followEpoch(): Promise<void> {
    const epoch = await lanes.epoch();
    if ((await factOf(ledger, "redis_epoch")) !== epoch) {
      await assertPauses(fleet);
      await assertIsolations(ledger, circuits);
      // Last: what fails on the way is asserted again by the next look.
      await setFact(ledger, "redis_epoch", epoch);
      jobsCheckedAt = 0;
    }
    tellBack(await recallOtherEpochs(ledger, epoch));
  }

  async function compareJobs(): Promise<void> {
    if (Date.now() - jobsCheckedAt < jobCheckMs) return;
    jobsCheckedAt = Date.now();
    tellBack(await jobCheck.recallMissing());
    await jobCheck.removeStray();
  }

  function tellBack(rows: number): void {
    if (rows === 0) return;
    fleet.telemetry.count("rescued", {}, rows);
    fleet.bell.ring(["*"]);
  }

  const loops = [tendLedger, tendRedis].map((tend) => openLoop(tend, { onError, retryMs: tickMs }));
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await leadership.resign();
      circuits.close();
    },
  };
}
