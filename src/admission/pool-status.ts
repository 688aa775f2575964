/** How much of a pool's limits is used, in words: what the gate keeps in Redis (see lua/include/pool.lua), read by a person. Pure. */
import type { Dimension, Limit, Pool } from "../config/pool.ts";
import { poolTimeUs } from "./circuit-status.ts";
import { followed } from "./pool-limits.ts";
import { type Shape, shapeOf } from "./shape.ts";

export interface PoolStatus {
  readonly pool: string;
  /** One for each limit of the pool, in its order. */
  readonly quotas: readonly Quota[];
  readonly inFlight: number;
  /** Calls at once that are let go: configured or learned. Undefined: nothing is known of it yet. */
  readonly concurrency: number | undefined;
  /** Milliseconds for which the provider asked the whole pool to wait; 0: it did not. */
  readonly pausedForMs: number;
  /** Below 1: refused without a reason that can be seen, so that it goes at this share of its rates. */
  readonly pace: number;
}

export interface Quota {
  readonly dimension: Dimension;
  readonly per: "minute" | "day";
  /** Units a minute or a day that are followed now; undefined: none known. */
  readonly limit: number | undefined;
  /** What can be used at once, in units: the burst that is let through, or what a minute or a day holds. Undefined without a limit. */
  readonly room: number | undefined;
  /** Units of `room` that are taken now, and the most that were in the last ten seconds or so. */
  readonly used: number;
  readonly mostUsed: number;
  /** It has just begun and starts low, for nobody knows what was used before. */
  readonly cold: boolean;
}

/** Hashes and counts as Redis gives them. */
export interface KeptPool {
  readonly pool: Readonly<Record<string, string | null>>;
  readonly learned: Readonly<Record<string, string>>;
  readonly leases: number;
  /** Redis' TIME: seconds and microseconds. */
  readonly time: readonly [seconds: number, micros: number];
}

/** Fields of a pool's hash that are looked at, for a pool of so many limits. */
export const poolFields = (limits: number): readonly string[] => [
  ...["lt", "shift", "pu", "sk", "st", "c", "cs", "qs"],
  ...Array.from({ length: limits }, (_, at) =>
    ["a", "p", "w", "u", "v", "q", "r"].map((letter) => letter + (at + 1)),
  ).flat(),
];

export function poolStatus(pool: Pool, kept: KeptPool): PoolStatus {
  const nowUs = poolNowUs(kept);
  const field = fieldsOf(kept);
  const learnedConcurrency = field("c");
  return {
    pool: pool.id,
    quotas: pool.limits.map((spec, at) => quotaOf(pool, spec, at + 1, kept, nowUs)),
    inFlight: kept.leases,
    concurrency: pool.concurrency ?? (learnedConcurrency === undefined ? undefined : Math.floor(learnedConcurrency)),
    pausedForMs: Math.max(0, ((field("pu") ?? 0) - nowUs) / 1_000),
    pace: paceOf(field("sk"), field("st"), nowUs),
  };
}

/** The pool's time now, to count its leases with. */
export const poolNowUs = ({ pool, time }: Pick<KeptPool, "pool" | "time">): number =>
  poolTimeUs({ pool: { shift: pool["shift"] ?? null, lt: pool["lt"] ?? null, pu: null }, time });

/** Recovers by two hundredths a second, as in pool.lua. */
const paceOf = (pace: number | undefined, sinceUs: number | undefined, nowUs: number): number =>
  pace === undefined ? 1 : Math.min(1, pace + (0.02 * Math.max(0, nowUs - (sinceUs ?? nowUs))) / 1_000_000);

const fieldsOf =
  ({ pool }: KeptPool) =>
  (name: string): number | undefined => {
    const text = pool[name];
    return text === null || text === undefined ? undefined : Number(text);
  };

function quotaOf(pool: Pool, spec: Limit, i: number, kept: KeptPool, nowUs: number): Quota {
  const limit = followed(spec, kept.learned);
  const shape = shapeOf(spec, limit, pool.jitterMs);
  const used = usedOf(shape, i, kept, nowUs);
  return {
    dimension: spec.dimension,
    per: spec.mode === "day" ? "day" : "minute",
    limit,
    room: shape.kind === "unlimited" ? undefined : shape.size,
    used,
    mostUsed: Math.max(used, mostBefore(i, kept, nowUs, shape)),
    cold: isCold(shape, i, kept, nowUs),
  };
}

function usedOf(shape: Shape, i: number, kept: KeptPool, nowUs: number): number {
  const field = fieldsOf(kept);
  if (shape.kind === "bucket") {
    const [arrival, perUnitUs] = [field(`a${i}`), field(`p${i}`)];
    return arrival === undefined || perUnitUs === undefined ? 0 : Math.max(0, arrival - nowUs) / perUnitUs;
  }
  if (shape.kind === "unlimited") return 0;
  const present = Math.floor((nowUs - shape.phaseUs) / shape.lengthUs);
  if (field(`w${i}`) === present) return field(`u${i}`) ?? 0;
  return field(`w${i}`) === present - 1 ? (field(`v${i}`) ?? 0) : 0;
}

const slotUs = 10_000_000;

/**
 * `q` is the most of slot `qs`, `r` of the one before. A window that is over says nothing of the present one, nor does a pool
 * that began cold of what was used: it counts what it lacks.
 */
function mostBefore(i: number, kept: KeptPool, nowUs: number, shape: Shape): number {
  if (shape.kind !== "bucket") return 0;
  const field = fieldsOf(kept);
  const passed = Math.floor(nowUs / slotUs) - (field("qs") ?? Number.NEGATIVE_INFINITY);
  if (passed > 1 || nowUs - (field("cs") ?? 0) < 2 * slotUs) return 0;
  return Math.max(field(`q${i}`) ?? 0, passed === 0 ? (field(`r${i}`) ?? 0) : 0);
}

function isCold(shape: Shape, i: number, kept: KeptPool, nowUs: number): boolean {
  const field = fieldsOf(kept);
  const [began, perUnitUs] = [field("cs"), field(`p${i}`)];
  if (shape.kind !== "bucket" || began === undefined || perUnitUs === undefined) return false;
  return nowUs < began + shape.size * perUnitUs;
}
