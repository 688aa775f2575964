/**
 * The limits of one pool as this process follows them: the configured ones, as far as the provider has not named others.
 * The scripts refuse an old version, so that no process goes on with a limit that another has seen changed.
 */
import type { Dimension, Limit, Pool } from "../config/pool.ts";
import type { RedisClient } from "../runtime/redis-client.ts";
import { type Shape, shapeOf } from "./shape.ts";

export interface PoolLimits {
  readonly version: number;
  /** By dimension of the pool, in its order. */
  readonly shapes: readonly Shape[];
  /** What is followed now; undefined: unlimited, as far as is known. */
  limitOf(dimension: Dimension): number | undefined;
  /**
   * Whether a limit that an answer names is to be followed: a lower one, or one where there was none, at once; a higher
   * one when three answers in a row agree on it, to calls that were granted after a limit was last lowered: older answers
   * are still on their way.
   */
  isNews(dimension: Dimension, named: number, grantedAtMs: number): boolean;
  /** Reads what was learned; to be called when a script speaks of another version. */
  refresh(version: number): Promise<void>;
}

/** A limit that is higher than the one followed counts when this many answers agree. */
const agreeing = 3;

/** `nowMs` is the clock of `grantedAtMs`. */
export function openPoolLimits(redis: RedisClient, key: string, pool: Pool, nowMs: () => number): PoolLimits {
  let version = 0;
  let learned: Readonly<Record<string, string>> = {};
  let shapes = shapesOf(pool, learned);
  let shapedAt = Date.now();
  let loweredAtMs = Number.NEGATIVE_INFINITY;
  const claims = new Map<Dimension, { readonly named: number; readonly times: number }>();
  return {
    get version() {
      return version;
    },
    get shapes() {
      // The offset of a zone changes twice a year.
      if (Date.now() - shapedAt > 3_600_000) {
        shapes = shapesOf(pool, learned);
        shapedAt = Date.now();
      }
      return shapes;
    },
    limitOf(dimension) {
      const spec = pool.limits.find((limit) => limit.dimension === dimension);
      return spec === undefined ? undefined : followed(spec, learned);
    },
    isNews(dimension, named, grantedAtMs) {
      const before = this.limitOf(dimension);
      const isHigher = before !== undefined && named > before;
      if (isHigher && grantedAtMs < loweredAtMs) return false;
      const claim = claims.get(dimension);
      claims.delete(dimension);
      if (named === before) return false;
      if (!isHigher) return true;
      const times = claim?.named === named ? claim.times + 1 : 1;
      if (times >= agreeing) return true;
      claims.set(dimension, { named, times });
      return false;
    },
    async refresh(newest) {
      const before = pool.limits.map((spec) => followed(spec, learned) ?? Number.POSITIVE_INFINITY);
      learned = await redis.hgetall(key);
      const isLower = pool.limits.some(
        (spec, at) => (followed(spec, learned) ?? Number.POSITIVE_INFINITY) < (before[at] ?? 0),
      );
      if (isLower) loweredAtMs = nowMs();
      version = newest;
      shapes = shapesOf(pool, learned);
      shapedAt = Date.now();
    },
  };
}

const shapesOf = (pool: Pool, learned: Readonly<Record<string, string>>): readonly Shape[] =>
  pool.limits.map((spec) => shapeOf(spec, followed(spec, learned), pool.jitterMs));

/** What the operator set is a ceiling: a provider may say less, never more. `learned` is the hash of that name in Redis. */
export function followed(spec: Limit, learned: Readonly<Record<string, string>>): number | undefined {
  const named = learned[spec.dimension] === undefined ? undefined : Number(learned[spec.dimension]);
  if (named === undefined) return spec.limit;
  return spec.fixed && spec.limit !== undefined ? Math.min(spec.limit, named) : named;
}
