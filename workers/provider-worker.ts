/**
 * Consumes the lanes of one or more providers. A job means: claim the row, run one attempt, be recorded, then complete.
 * A stale job finds the fence shut and completes without a call.
 */
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { shareFor } from "../src/admission/shape.ts";
import type { AttemptDeps, AttemptHooks } from "../src/attempt/context.ts";
import { type Ended, runAttempt } from "../src/attempt/run-attempt.ts";
import type { Pool } from "../src/config/pool.ts";
import { connectTo } from "../src/fleet/connect.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { type ClaimedRequest, claimRequests } from "../src/ledger/claim.ts";
import { isPostgresAway } from "../src/ledger/interruption.ts";
import { openLimitObserver } from "../src/ledger/rate-limits.ts";
import { openSpool } from "../src/ledger/spool.ts";
import type { Connection } from "../src/provider/provider.ts";
import { consumeLane, type Handled, type Unclaimed } from "../src/queue/consume.ts";
import type { Pass } from "../src/queue/gate.ts";
import { type LaneJob, type Side, sides } from "../src/queue/lane-job.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { openReplySender } from "../src/stream/reply.ts";
import { openStreamWriter } from "../src/stream/stream-writer.ts";
import type { Say } from "./circuit-news.ts";
import { openConsumers } from "./consumers.ts";
import { openHere } from "./here.ts";
import type { JobProgress, LaneProgress } from "./lane-progress.ts";
import { openLearningGate } from "./learning-gate.ts";
import { openLeases } from "./leases.ts";
import { openRecorder } from "./recorder.ts";
import { openSelfWatch } from "./self-watch.ts";
import { summaryOf } from "./summary.ts";

export interface ProviderWorkerOptions {
  /** Provider ids; those without a key are refused by name. */
  readonly providers: readonly string[];
  readonly onError: (error: unknown) => void;
  /** Says what happened to circuits, for the log. */
  readonly say?: Say;
  /** Instead of the registry's, for benchmarks and tests. */
  readonly connections?: ReadonlyMap<string, Connection>;
  /** Told once, in words, when this process should end for its supervisor; without it nobody watches. */
  readonly onTrouble?: (reason: string) => void;
}

export interface ProviderWorker {
  readonly lanes: readonly string[];
  /** Stops fetching, lets calls in flight finish for the grace period, then stops them and hands their requests back. */
  drain(graceMs: number): Promise<void>;
}

export function startProviderWorker(fleet: Fleet, given: ProviderWorkerOptions): ProviderWorker {
  const { config, ledger } = fleet;
  const watch = openSelfWatch(fleet);
  const onError = (error: unknown) => {
    watch.heard(error);
    given.onError(error);
  };
  const options = { ...given, onError };
  const connections = options.connections ?? connect(fleet, options.providers);
  const gate = openLearningGate(fleet, { ...options, providers: [...connections.keys()] });
  const { admission } = gate;
  const reply = openReplySender(fleet.redisUrl);
  const stream = openStreamWriter(fleet.redisUrl, fleet.streams.hear);
  const limits = openLimitObserver(ledger, onError);
  const recorder = openRecorder({
    ledger,
    spool: openSpool(join(config.home, "spool")),
    heldBytes: config.worker.heldAnswersMb * 1_048_576,
    telemetry: fleet.telemetry,
    onError,
  });
  const draining = new AbortController();
  const claim = claimRequests(ledger, config.worker.leaseMs, { signal: draining.signal, heard: onError });
  const leases = openLeases({ ledger, admission, leaseMs: config.worker.leaseMs, onError });
  const deps: AttemptDeps = {
    catalog: config.catalog,
    connections,
    canServe: (id) => connections.has(id) || config.credentials.get(id)?.apiKey !== undefined,
    admission,
    record: recorder.record,
    telemetry: fleet.telemetry,
    clock: systemClock,
    timeouts: config.timeouts,
    leaseMs: config.worker.leaseMs,
    observeLimits: (pool, report) => limits.observe(pool, report, admission.followed(pool)),
    stream,
  };

  async function handle(
    progress: LaneProgress,
    job: LaneJob,
    pass: Pass,
    goesFirst: boolean,
  ): Promise<Handled | Unclaimed> {
    const step = progress.taken();
    try {
      return await work(progress, step, job, pass, goesFirst);
    } finally {
      step.left();
    }
  }

  async function work(
    progress: LaneProgress,
    step: JobProgress,
    job: LaneJob,
    pass: Pass,
    goesFirst: boolean,
  ): Promise<Handled | Unclaimed> {
    const leaseToken = uuidv7();
    const request = await claim({ id: job.requestId, dispatchNo: job.dispatchNo, leaseToken }).catch(unclaimed);
    if (request === "unclaimed") return "unclaimed";
    if (request === undefined) return { summary: { outcome: "stale" } };
    step.moved();
    const ended = await attempt(request, {
      holding: (permit) => {
        if (permit === undefined) step.called();
        else step.calls();
      },
      goesFirst,
      learned: (outlook) => {
        pass.learned(outlook);
        progress.rests(outlook.waitMs);
      },
    });
    return summaryOf(ended, request);
  }

  async function attempt(request: ClaimedRequest, hooks: Omit<AttemptHooks, "stop">): Promise<Ended> {
    const lease = leases.hold(request, hooks.stored);
    try {
      const ended = await runAttempt(deps, request, {
        ...hooks,
        stop: lease.stop,
        holding: (permit, produced) => {
          lease.holding(permit, produced);
          hooks.holding(permit, produced);
        },
      });
      afterwards(ended, request);
      return ended;
    } finally {
      lease.release();
    }
  }

  /** Whoever drains does not wait for a Postgres that is away: the job goes back to where it was. */
  function unclaimed(error: unknown): Unclaimed {
    if (draining.signal.aborted && isPostgresAway(error)) return "unclaimed";
    throw error;
  }

  function afterwards(ended: Ended, request: ClaimedRequest): void {
    const { event } = ended.move;
    if (ended.answer === "superseded") fleet.telemetry.count("superseded");
    if (ended.answer !== "recorded") return;
    if (event === "succeed" || event === "fail") {
      fleet.telemetry.count("finished", { outcome: event === "succeed" ? "succeeded" : "failed" });
      if (request.replyWanted) reply.ended(request.id);
    } else {
      fleet.telemetry.count("deferred", { event });
      fleet.bell.ring([ended.move.onward?.lane ?? request.lane]);
    }
  }

  // Each side has slots of its own, so bulk calls never hold those of interactive requests; the pool's limit holds for
  // both. A slot that its side can never fill would only claim rows and hand them back.
  const slots = (pool: Pool, side: Side) => {
    const most = Math.floor((pool.concurrency ?? Number.POSITIVE_INFINITY) * shareFor(side === "express"));
    return Math.min(config.worker.slotsPerLane, Math.max(1, most));
  };
  const pools = [...config.catalog.pools.values()].filter((pool) => connections.has(pool.provider));
  const consumers = openConsumers({
    redisUrl: fleet.redisUrl,
    lanes: fleet.lanes,
    places: pools.flatMap((pool) =>
      sides.map((side) => {
        const concurrency = slots(pool, side);
        return { lane: pool.id, side, concurrency, progress: watch.lane(pool.id, side, concurrency) };
      }),
    ),
    open: ({ lane, side, concurrency, progress }) =>
      consumeLane({
        lane,
        side,
        redisUrl: fleet.redisUrl,
        concurrency,
        leaseMs: config.worker.leaseMs,
        handle: (job, pass, goesFirst) => handle(progress, job, pass, goesFirst),
        onError,
        onLocksLost: watch.locksLost,
      }),
    onError,
  });
  const served = new Map(pools.map((pool) => [pool.id, slots(pool, "express")]));
  const here = openHere({
    slots: (lane) => served.get(lane) ?? 0,
    leaseMs: config.worker.leaseMs,
    work: async (request, stored) => {
      const hooks = { holding: () => {}, goesFirst: true, learned: () => {}, stored };
      const { answer, move, call } = await attempt(request, hooks);
      if (answer !== "recorded" || move.event !== "succeed" || move.result === undefined) return undefined;
      return { result: move.result, usage: call?.row.usage ?? {} };
    },
    onError,
  });
  const travelAgain = fleet.intake.callHere(here);
  const forget = fleet.cancellations.listen(leases.stop);
  if (options.onTrouble !== undefined) watch.start(options.onTrouble, onError);

  return {
    lanes: pools.map((pool) => pool.id),
    async drain(graceMs) {
      draining.abort();
      travelAgain();
      await watch.stop();
      const closed = Promise.all([here.close(), consumers.close()]);
      const grace = setTimeout(() => {
        leases.stopAll();
        recorder.leave();
      }, graceMs);
      await closed;
      clearTimeout(grace);
      forget();
      await recorder.close();
      await leases.close();
      await limits.close();
      reply.close();
      stream.close();
      await gate.close();
    },
  };
}

/** Connections of the named providers that have a key. */
function connect(fleet: Fleet, names: readonly string[]): ReadonlyMap<string, Connection> {
  return new Map(
    names.flatMap((id) => {
      const connection = connectTo(fleet.config, id);
      return connection === undefined ? [] : [[id, connection] as const];
    }),
  );
}
