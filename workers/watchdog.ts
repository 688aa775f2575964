/**
 * Watches a worker process from within, and says when it should end for its supervisor: it has work and moves nothing
 * although Postgres and Redis answer, its event loop is held up, or it loses the locks of its jobs again and again.
 * What waits for a limit, a pause, an open circuit or a service that is away is not stuck.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { openLoop } from "../src/runtime/loop.ts";
import type { Telemetry } from "../src/telemetry/telemetry.ts";
import type { LaneSight } from "./lane-progress.ts";

export interface Sight {
  readonly nowMs: number;
  readonly lanes: readonly (LaneSight & {
    /** Jobs that a free slot would be given now. */
    readonly deliverable: number;
  })[];
  /** A service said that it is away, or did not answer the look. */
  readonly isAway: boolean;
  /** Longest delay of the event loop since the last look. */
  readonly lagMs: number;
  /** Jobs whose lock was lost since the last look, each told once. */
  readonly locksLost: number;
}

export interface WatchPolicy {
  /** 0: never. */
  readonly stuckMs: number;
  /** 0: never. */
  readonly maxLagMs: number;
  /** Locks are renewed several times in each of these. */
  readonly leaseMs: number;
}

/** What is kept from look to look. */
export interface Memory {
  /** By lane: since when it has had work and moved nothing. */
  readonly stillSince: ReadonlyMap<string, number>;
  /** Looks in a row with a lag beyond the bound. */
  readonly lagging: number;
  /** Leases in a row in which locks were lost, and when the last of them began. */
  readonly losing: number;
  readonly losingSince: number;
}
export const freshMemory: Memory = { stillSince: new Map(), lagging: 0, losing: 0, losingSince: 0 };

export type Trouble = { readonly kind: "stuck" | "lag" | "locks"; readonly reason: string };

const lookEveryMs = 1_000;
/** One long pause, of a machine that slept, is over when it is seen. */
const lagsInARow = 10;
/** A Redis that was wiped takes all locks once, and what it took is fenced. */
const lossesInARow = 5;

/** Pure: one look, what is remembered of it, and what it means. */
export function judge(memory: Memory, sight: Sight, policy: WatchPolicy): { memory: Memory; trouble?: Trouble } {
  const stillSince = new Map<string, number>();
  for (const { lane, inHand, free, deliverable, movedAt } of sight.lanes) {
    if (sight.isAway || (inHand === 0 && (free === 0 || deliverable === 0))) continue;
    stillSince.set(lane, Math.max(memory.stillSince.get(lane) ?? sight.nowMs, movedAt));
  }
  const lagging = policy.maxLagMs > 0 && sight.lagMs > policy.maxLagMs ? memory.lagging + 1 : 0;
  const next: Memory = { stillSince, lagging, ...losses(memory, sight, policy) };

  const stuck = [...stillSince].find(([, since]) => sight.nowMs - since >= policy.stuckMs);
  if (policy.stuckMs > 0 && stuck !== undefined) {
    return { memory: next, trouble: { kind: "stuck", reason: stuckWords(stuck[0], policy.stuckMs) } };
  }
  if (lagging >= lagsInARow) return { memory: next, trouble: { kind: "lag", reason: lagWords(policy.maxLagMs) } };
  if (next.losing >= lossesInARow) return { memory: next, trouble: { kind: "locks", reason: lossWords } };
  return { memory: next };
}

/** Counts leases in which locks were lost; one without a loss begins anew. */
function losses(memory: Memory, sight: Sight, { leaseMs }: WatchPolicy): Pick<Memory, "losing" | "losingSince"> {
  const ageMs = sight.nowMs - memory.losingSince;
  if (sight.locksLost > 0 && (memory.losing === 0 || ageMs >= leaseMs))
    return { losing: ageMs < 2 * leaseMs ? memory.losing + 1 : 1, losingSince: sight.nowMs };
  if (ageMs >= 2 * leaseMs) return { losing: 0, losingSince: memory.losingSince };
  return { losing: memory.losing, losingSince: memory.losingSince };
}

const stuckWords = (lane: string, stuckMs: number) =>
  `nothing has moved in ${lane} for ${stuckMs / 1_000} s although there is work, and Postgres and Redis answer`;
const lagWords = (maxLagMs: number) =>
  `the event loop was held up for more than ${maxLagMs} ms in each of ${lagsInARow} s`;
const lossWords = "locks of jobs in hand are lost again and again: others may take them";

export interface WatchdogOptions {
  readonly policy: WatchPolicy;
  readonly look: () => Promise<Pick<Sight, "lanes" | "isAway" | "locksLost">>;
  /** Asked before a worker is called stuck, on connections of their own. */
  readonly servicesAnswer: () => Promise<boolean>;
  readonly telemetry: Telemetry;
  readonly onTrouble: (trouble: Trouble) => void;
  readonly onError: (error: unknown) => void;
}

/** Tells of the first trouble, once. */
export function startWatchdog(options: WatchdogOptions): { stop(): Promise<void> } {
  const { policy, telemetry, onError } = options;
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let memory = freshMemory;
  let isOver = false;

  const lagMs = (): number => {
    const longest = delays.max / 1e6;
    delays.reset();
    telemetry.measure("eventLoopLagMs", longest);
    return longest;
  };

  const loop = openLoop(
    async () => {
      const seen = await options.look();
      if (seen.locksLost > 0) telemetry.count("locksLost", {}, seen.locksLost);
      const judged = judge(memory, { ...seen, nowMs: performance.now(), lagMs: lagMs() }, policy);
      memory = judged.memory;
      if (judged.trouble === undefined || isOver) return lookEveryMs;
      if (judged.trouble.kind === "stuck" && !(await options.servicesAnswer())) {
        memory = { ...memory, stillSince: new Map() };
        return lookEveryMs;
      }
      isOver = true;
      options.onTrouble(judged.trouble);
      return lookEveryMs;
    },
    { onError, retryMs: lookEveryMs },
  );
  return {
    async stop() {
      delays.disable();
      await loop.stop();
    },
  };
}
