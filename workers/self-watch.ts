/** The watchdog of a provider worker: what its lanes, its services and its locks look like. */
import type { Fleet } from "../src/fleet/fleet.ts";
import { isPostgresAway } from "../src/ledger/interruption.ts";
import { databaseAnswers } from "../src/ledger/ledger.ts";
import { deliverableJobs } from "../src/queue/deliverable.ts";
import type { Side } from "../src/queue/lane-job.ts";
import { redisAnswers } from "../src/queue/redis-answers.ts";
import { redisTrouble } from "../src/runtime/redis-patience.ts";
import { type LaneProgress, openLaneProgress } from "./lane-progress.ts";
import { startWatchdog } from "./watchdog.ts";

export interface SelfWatch {
  lane(lane: string, side: Side, slots: number): LaneProgress;
  locksLost(jobIds: readonly string[]): void;
  /** Every error of the worker comes by: some say that a service is away. */
  heard(error: unknown): void;
  /** From now on it is watched; `onTrouble` is told once, in words. */
  start(onTrouble: (reason: string) => void, onError: (error: unknown) => void): void;
  stop(): Promise<void>;
}

/** Whoever waits for a service that is away hears of it at least this often. */
const awayForMs = 15_000;
const patienceMs = 2_000;

export function openSelfWatch({ config, lanes, telemetry, redisUrl, databaseUrl }: Fleet): SelfWatch {
  const watched: { readonly progress: LaneProgress; readonly lane: string; readonly side: Side }[] = [];
  /** A lock that is lost is told again with every renewal, as long as its job is in hand. */
  let lost = { before: new Set<string>(), now: new Set<string>() };
  let awayUntil = 0;
  let dog: { stop(): Promise<void> } | undefined;

  async function look() {
    const counts = await within(Promise.all(watched.map(({ lane, side }) => deliverableJobs(lanes.queue(lane, side)))));
    const fresh = [...lost.now].filter((id) => !lost.before.has(id)).length;
    if (lost.now.size > 0) lost = { before: lost.now, now: new Set() };
    return {
      lanes: watched.map(({ progress }, at) => ({ ...progress.sight(), deliverable: counts?.[at] ?? 0 })),
      isAway: performance.now() < awayUntil,
      locksLost: fresh,
    };
  }

  return {
    lane(lane, side, slots) {
      const name = side === "main" ? lane : `${lane} (${side})`;
      // Its own timeout ends a call; a little later it is overdue.
      const callMs = config.timeouts.totalMs + patienceMs;
      const progress = openLaneProgress({ lane: name, slots, callMs, now: () => performance.now() });
      watched.push({ progress, lane, side });
      return progress;
    },
    locksLost: (jobIds) => {
      for (const id of jobIds) lost.now.add(id);
    },
    heard(error) {
      if (isAway(error)) awayUntil = performance.now() + awayForMs;
    },
    start(onTrouble, onError) {
      const { stuckSeconds, maxLagMs, leaseMs } = config.worker;
      dog = startWatchdog({
        policy: { stuckMs: stuckSeconds * 1_000, maxLagMs, leaseMs },
        look,
        servicesAnswer: async () =>
          (await Promise.all([databaseAnswers(databaseUrl), redisAnswers(redisUrl)])).every((answers) => answers),
        telemetry,
        onTrouble: (trouble) => onTrouble(trouble.reason),
        onError,
      });
    },
    async stop() {
      await dog?.stop();
    },
  };
}

const isAway = (error: unknown): boolean => isPostgresAway(error) || redisTrouble(error) !== undefined;

/** Undefined when it takes too long or fails. */
async function within<Value>(work: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([work.catch(() => undefined), silence]);
  } finally {
    clearTimeout(timer);
  }
}
