/** How much of a pool's limits is left, as the provider's headers said last. Pure. */
import type { StoredReading } from "../../src/ledger/limit-readings.ts";

export interface Headroom {
  readonly lane: string;
  readonly dimension: string;
  /** In [0, 1]. */
  readonly share: number;
}

/** Of each dimension of which limit and rest are known; a rest whose time of return has passed is full again. */
export const headroomOf = (readings: readonly StoredReading[], nowMs: number): readonly Headroom[] =>
  readings.flatMap(({ pool: lane, dimension, limit, remaining, resetMs, observedAt }) => {
    if (limit === null || limit <= 0 || remaining === null) return [];
    const isFull = resetMs !== null && nowMs - observedAt.getTime() >= resetMs;
    return [{ lane, dimension, share: isFull ? 1 : Math.min(1, Math.max(0, remaining / limit)) }];
  });

/** The scarcest of all lanes: `24 % of requests`. Undefined where nothing is known. */
export function scarcestWords(rooms: readonly Headroom[]): string | undefined {
  const [least] = [...rooms].sort((one, other) => one.share - other.share);
  return least === undefined ? undefined : `${Math.floor(least.share * 100)} % of ${least.dimension}`;
}
