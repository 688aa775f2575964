/** One look at a batch: counts, pace, money, and what limits it, all asked of the ledger and the lanes. */
import { limitOf } from "../../../src/config/pool.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { batchOpenWork, callsPerMinute, type OpenWork, runningByLane } from "../../../src/ledger/batch-progress.ts";
import { type BatchCounts, type BatchView, batchCounts, batchSpend } from "../../../src/ledger/batches.ts";
import { latestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { pausedLanes } from "../../../src/ledger/toggles.ts";
import { workersIn } from "../../workers-in.ts";
import { type LaneFacts, limitsNow } from "../progress-limit.ts";
import { type Pace, slowestLaneMs } from "../progress-pace.ts";
import type { ProgressView } from "../progress-view.ts";

export interface Look {
  readonly counts: BatchCounts;
  readonly view: ProgressView;
  /** Lanes with open requests that nobody serves. */
  readonly unserved: readonly string[];
}

export async function lookAt(fleet: Fleet, batch: BatchView, pace: Pace): Promise<Look> {
  const [counts, spend] = await Promise.all([batchCounts(fleet.ledger, batch.id), batchSpend(fleet.ledger, batch.id)]);
  const lanes = await laneFacts(fleet, batch.id, counts.queued);
  const done = counts.succeeded + counts.failed + counts.cancelled;
  const paceMs = pace.etaMs(Date.now(), done, Math.max(batch.total, counts.accepted));
  // While lines are still coming in, what is in so far is not the whole.
  const total = Math.max(batch.total, counts.accepted);
  return {
    counts,
    unserved: lanes.filter((facts) => facts.workers === 0).map((facts) => facts.lane),
    view: {
      total,
      succeeded: counts.succeeded,
      failed: counts.failed,
      cancelled: counts.cancelled,
      running: counts.running,
      waiting: counts.queued + counts.dispatched + counts.waiting + counts.held,
      callsPerMinute: spend.callsPerMinute,
      tokensPerMinute: spend.tokensPerMinute,
      costNanoUsd: spend.costNanoUsd,
      unpriced: spend.unpriced,
      etaMs: paceMs === undefined ? undefined : Math.max(paceMs, slowestLaneMs(lanes) ?? 0),
      limits: limitsNow(lanes),
    },
  };
}

/** `queued`: how many queued requests the batch has, where it is known; otherwise as many as were looked at. */
export async function laneFacts(fleet: Fleet, batchId: string, queued?: number): Promise<LaneFacts[]> {
  const [work, running, calls, paused, events] = await Promise.all([
    batchOpenWork(fleet.ledger, batchId),
    runningByLane(fleet.ledger),
    callsPerMinuteByLane(fleet),
    pausedLanes(fleet.ledger),
    latestCircuitEvents(fleet.ledger),
  ]);
  const closures = events.filter(({ toState }) => toState !== "closed");
  const lanes = [...new Set(work.map((entry) => entry.lane))];
  const workers = await workersIn(fleet);
  const seenQueued = work.reduce((sum, entry) => sum + (entry.state === "queued" ? entry.count : 0), 0);
  const scale = queued === undefined || seenQueued === 0 ? 1 : queued / seenQueued;
  return Promise.all(
    lanes.map(async (lane): Promise<LaneFacts> => {
      const ours = work.filter((entry) => entry.lane === lane);
      const pool = fleet.config.catalog.pools.get(lane);
      return {
        lane,
        open: ours.reduce((sum, entry) => sum + entry.count * (entry.state === "queued" ? scale : 1), 0),
        workers: workers?.(lane),
        slotsPerWorker: fleet.config.worker.slotsPerLane,
        paused: paused.has(lane),
        closures: closures
          .filter(({ provider, deployment }) =>
            deployment === undefined
              ? pool?.provider === provider
              : fleet.config.catalog.deployment(deployment)?.pool === lane,
          )
          .map(({ provider, deployment, toState, reason }) => ({
            target: deployment ?? provider,
            state: toState,
            reason,
          })),
        closedForMs: await closedForMs(fleet, lane),
        limits: pool && { requestsPerMinute: limitOf(pool, "requests"), concurrency: pool.concurrency },
        callsPerMinute: calls.get(lane) ?? 0,
        running: running.get(lane) ?? 0,
        waiting: reasonsOf(ours, "waiting"),
        held: reasonsOf(ours, "held"),
      };
    }),
  );
}

/** Workers count to this before BullMQ's own limiter would close; `rateLimit` sets it beyond. See queue/consume.ts. */
const limiterMax = 1_000_000_000;

const closedForMs = (fleet: Fleet, lane: string): Promise<number> =>
  fleet.lanes
    .queue(lane, "main")
    .getRateLimitTtl(limiterMax)
    .catch(() => 0);

async function callsPerMinuteByLane(fleet: Fleet): Promise<ReadonlyMap<string, number>> {
  const lanes = new Map<string, number>();
  for (const [deployment, perMinute] of await callsPerMinute(fleet.ledger, new Date())) {
    const lane = fleet.config.catalog.deployment(deployment)?.pool;
    if (lane !== undefined) lanes.set(lane, (lanes.get(lane) ?? 0) + perMinute);
  }
  return lanes;
}

const reasonsOf = (work: readonly OpenWork[], state: OpenWork["state"]) =>
  work
    .filter((entry) => entry.state === state)
    .map((entry) => ({ reason: entry.reason ?? "no reason given", count: entry.count, nextMs: entry.nextMs ?? 0 }));
