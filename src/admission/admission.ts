/**
 * The gate every provider call passes: acquire → (last look) → settle, with progress and feedback beside. Each decision is
 * one Lua script on Redis; this file and its neighbours only word it.
 * Redis away: `acquire` rejects, so nothing is sent (fail closed).
 */
import type { Dimension, LimitMode, Pool } from "../config/pool.ts";
import type { Failure } from "../request/failure.ts";
import type { CallOutcome, LimitReading, LimitReport } from "../request/outcome.ts";
import { type Anchor, openAnchor } from "./anchor.ts";
import type { CallSums } from "./charge.ts";
import { type Door, type GateRules, type LiveLease, openDoor, type Place } from "./door.ts";
import { type Estimates, openEstimates } from "./learned.ts";
import type { Ask, CircuitChange, Permit, Verdict } from "./permit.ts";
import { openPoolLimits, type PoolLimits } from "./pool-limits.ts";
import { reactions, turnsCredentialOff } from "./reaction.ts";
import { keysOf, openScripts } from "./scripts.ts";
import { untilMidnightMs } from "./shape.ts";

export interface Admission {
  /** Asks for leave to make one call. A refusal has charged nothing. */
  acquire(place: Place, ask: Ask): Promise<Verdict>;
  /** The same question for a booked call just before it goes out: what was granted may have been closed meanwhile. */
  lastLook(place: Place, ask: Ask): Promise<Verdict>;
  /** How it stands, without taking anything: for whoever chooses between deployments. */
  look(place: Place, ask: Ask): Promise<Verdict>;
  /**
   * What became of the call; undefined when it was not made. True when this settled the permit; false when it was
   * settled or had expired before. What a failure says to everybody is told to everybody.
   */
  settle(permit: Permit, outcome: CallOutcome | undefined): Promise<boolean>;
  /** Extends leases of calls under way, and charges what their streams have produced beyond what was reserved. */
  progress(calls: readonly CallUnderWay[], leaseMs: number): Promise<void>;
  readonly estimates: Estimates;
  /** The limits of a pool that are followed now; undefined where none is known. */
  followed(pool: Pool): Readonly<Partial<Record<Dimension, number | undefined>>>;
  close(): Promise<void>;
}

export interface CallUnderWay {
  readonly permit: Permit;
  readonly producedTokens: number;
}

export interface AdmissionOptions {
  readonly rules?: GateRules;
  readonly onChange?: (change: CircuitChange) => void;
  /** By provider: tells the key in use from an older one, see circuits.ts. */
  readonly fingerprints?: ReadonlyMap<string, string>;
  /** Calls of a pool that are under way, from the ledger: asked when Redis may have forgotten some. */
  readonly liveLeases?: (pool: string) => Promise<readonly LiveLease[]>;
  /** Calls of a pool that are over, by the ledger: what a day has used when Redis may have forgotten it. */
  readonly callsSince?: (pool: string, since: Date) => Promise<readonly CallSums[]>;
  /** For tests: microseconds since 2025 instead of Redis' clock, and milliseconds instead of this process' own. */
  readonly clockUs?: () => number;
  readonly monotonicMs?: () => number;
}

/** What settings say unless told otherwise; see config. */
export const defaultRules: GateRules = {
  circuit: { threshold: 5, coolDownMs: 60_000, ratio: 0.5, minimumCalls: 20, windowSeconds: 10 },
  retries: { share: 0.2, floorPerSecond: 10 },
};
interface PoolEntry {
  readonly pool: Pool;
  readonly limits: PoolLimits;
  readonly anchor: Anchor;
}

export function openAdmission(redisUrl: string, options: AdmissionOptions = {}): Admission {
  const { redis, scripts, serverId } = openScripts(redisUrl);
  const rules = options.rules ?? defaultRules;
  const estimates = openEstimates();
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const pools = new Map<string, PoolEntry>();
  const doors = new Map<string, { readonly door: Door; readonly entry: PoolEntry }>();

  const placeAt = ({ pool, deployment }: Place) => {
    const known = doors.get(deployment);
    if (known !== undefined && known.entry.pool.id === pool.id) return known;
    const keys = keysOf(pool.provider, pool.id, deployment);
    const entry = pools.get(pool.id) ?? {
      pool,
      limits: openPoolLimits(redis, keys.learned, pool, monotonicMs),
      anchor: openAnchor(monotonicMs),
    };
    pools.set(pool.id, entry);
    const { limits, anchor } = entry;
    const { clockUs, liveLeases: ofPool, callsSince: since } = options;
    const liveLeases = ofPool && (() => ofPool(pool.id));
    const callsSince = since && ((from: Date) => since(pool.id, from));
    const door = openDoor(
      { pool, deployment },
      { scripts, keys, limits, anchor, serverId, liveLeases, callsSince, estimates, rules, clockUs },
    );
    const made = { door, entry };
    doors.set(deployment, made);
    return made;
  };
  const tell = (provider: string, deployment: string, change: Omit<CircuitChange, "provider" | "deployment">) =>
    options.onChange?.({ provider, deployment, ...change });

  async function acquire(place: Place, ask: Ask): Promise<Verdict> {
    const verdict = await placeAt(place).door.ask(ask, "call");
    if (verdict.granted && verdict.permit.probe) {
      tell(place.pool.provider, place.deployment, { from: "open", to: "half-open", reason: "one call goes ahead" });
    }
    return verdict;
  }

  async function settle(permit: Permit, outcome: CallOutcome | undefined): Promise<boolean> {
    const found = doors.get(permit.deployment);
    if (found === undefined) return false;
    const { door, entry } = found;
    const heard = outcome === undefined ? undefined : feedback(entry, permit, outcome);
    const [settled] = await Promise.all([door.settle(permit, outcome), heard]);
    if (outcome !== undefined && settled.settled) observe(entry.pool, permit, outcome);
    const { change } = settled;
    if (change !== undefined) {
      const reason = outcome === undefined || outcome.ok ? "the probe was answered" : outcome.failure.message;
      tell(entry.pool.provider, permit.deployment, { ...change, reason });
    }
    return settled.settled;
  }

  /** What an answer says to everybody; most say nothing, and then nothing is sent. */
  async function feedback({ pool, limits }: PoolEntry, permit: Permit, outcome: CallOutcome): Promise<void> {
    const { deployment, grantedAtMs } = permit;
    const failure = outcome.ok ? undefined : outcome.failure;
    const reaction = failure === undefined ? undefined : reactions[failure.kind];
    const waitUs = failure === undefined ? 0 : (failure.retryAfterMs ?? usualPauseMs(pool, failure)) * 1_000;
    const off = failure !== undefined && turnsCredentialOff(failure) ? failure.message || failure.kind : "";
    const readings = changedLimits(pool, limits, outcome.limits, grantedAtMs);
    // A limit that we did not know of until now explains it.
    const slowdown = readings.length > 0 ? "none" : (reaction?.slowdown ?? "none");
    const slow = { none: 0, repeated: 1, atOnce: 2 }[slowdown];
    const gauge = pool.concurrency === undefined ? { none: 0, refused: 1, busy: 2 }[reaction?.gauge ?? "none"] : 0;
    const pauses = reaction !== undefined && reaction.pause !== "none" && waitUs > 0;
    if (!pauses && slow === 0 && gauge === 0 && off === "" && readings.length === 0) return;
    const keys = keysOf(pool.provider, pool.id, deployment);
    const [version = 0, isOff = 0] = await scripts.feedback(
      ...[keys.pool, keys.leases, keys.circuit, keys.provider, keys.learned],
      options.clockUs?.() ?? "",
      reaction?.pause === "pool" ? waitUs : 0,
      reaction?.pause === "circuit" ? waitUs : 0,
      ...[slow, gauge, off, options.fingerprints?.get(pool.provider) ?? ""],
      ...readings.flatMap(({ dimension, named }) => [dimension, named]),
    );
    if (version !== limits.version) await limits.refresh(version);
    if (isOff === 1) tell(pool.provider, deployment, { from: "closed", to: "credential-off", reason: off });
  }

  function observe(pool: Pool, permit: Permit, outcome: CallOutcome): void {
    const { usage } = outcome;
    if (usage === undefined) return;
    const free = pool.charge.cacheReads === "free" ? (usage.cacheReadTokens ?? 0) : 0;
    estimates.observe(permit.deployment, {
      estimatedInput: permit.estimatedInput,
      chargedInput: usage.inputTokens === undefined ? undefined : usage.inputTokens - free,
      outputTokens: outcome.ok ? usage.outputTokens : undefined,
    });
  }

  return {
    acquire,
    lastLook: (place, ask) => placeAt(place).door.ask(ask, "lastLook"),
    look: (place, ask) => placeAt(place).door.ask(ask, "look"),
    settle,
    async progress(calls, leaseMs) {
      const byDoor = new Map<Door, CallUnderWay[]>();
      for (const call of calls) {
        const door = doors.get(call.permit.deployment)?.door;
        if (door !== undefined) byDoor.set(door, [...(byDoor.get(door) ?? []), call]);
      }
      await Promise.all([...byDoor].map(([door, held]) => door.progress(held, leaseMs)));
    },
    estimates,
    followed(pool) {
      const limits = pools.get(pool.id)?.limits;
      return Object.fromEntries(pool.limits.map(({ dimension }) => [dimension, limits?.limitOf(dimension)]));
    },
    async close() {
      redis.disconnect();
    },
  };
}

/** How long to wait where the provider does not say: a day's quota comes back with the day. */
function usualPauseMs(pool: Pool, failure: Failure): number {
  const zone = pool.limits.find((limit) => limit.mode === "day")?.timeZone;
  if (failure.kind === "quotaDay") return untilMidnightMs(zone ?? "UTC", new Date());
  return reactions[failure.kind].pauseMs;
}

interface NamedLimit {
  readonly dimension: Dimension;
  readonly named: number;
}

/** Limits that an answer names and that are to be followed from now on; what the operator fixed is not raised. */
function changedLimits(
  pool: Pool,
  limits: PoolLimits,
  report: LimitReport | undefined,
  grantedAtMs: number,
): readonly NamedLimit[] {
  if (report === undefined) return [];
  return pool.limits.flatMap(({ dimension, limit, fixed, mode }) => {
    const named = readingOf(report, dimension)?.limit;
    if (named === undefined || named <= 0 || !isPerMinute(report, dimension, mode)) return [];
    const allowed = fixed && limit !== undefined ? Math.min(limit, named) : named;
    return limits.isNews(dimension, allowed, grantedAtMs) ? [{ dimension, named: allowed }] : [];
  });
}

/**
 * Whether a limit that headers name is one by the minute: OpenAI names the daily one of requests on some accounts. What is
 * used of a bucket refills in `reset`, which tells; where nothing is used nothing is told, and the limit is believed.
 */
function isPerMinute(report: LimitReport, dimension: Dimension, mode: LimitMode): boolean {
  const { limit, remaining, resetMs } = readingOf(report, dimension) ?? {};
  if (limit === undefined || remaining === undefined || resetMs === undefined || remaining >= limit) return true;
  const refillMs = ((limit - remaining) / limit) * 60_000;
  return mode === "bucket" ? resetMs <= 10 * refillMs + 1_000 : resetMs <= 60_000;
}

/** Daily dimensions have no headers of their own. */
const readingOf = (report: LimitReport, dimension: Dimension): LimitReading | undefined =>
  dimension === "requestsPerDay" || dimension === "tokensPerDay" ? undefined : report[dimension];
