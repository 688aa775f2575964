/**
 * A rate limit as a bucket that refills all the time. Its whole state is one number, the time at which it is full again
 * (GCRA): `used = (fullAt - now) / msPerUnit`. In any window of t ms at most capacity + t / msPerUnit units are admitted.
 * Pure: the clock is an argument, counted from a recent moment so that doubles keep their fine digits; a clock that steps
 * back makes it stricter, never laxer.
 */
export interface Rate {
  /** Units that may be taken at once from a full bucket. */
  readonly capacity: number;
  /** Time in which one unit comes back. */
  readonly msPerUnit: number;
}

/** A limit per minute whose bucket holds `burstSeconds` of it, and one unit at least. */
export const rateOf = (perMinute: number, burstSeconds: number): Rate => ({
  capacity: Math.max(1, (perMinute * burstSeconds) / 60),
  msPerUnit: 60_000 / perMinute,
});

/** Units taken and not yet refilled; above the capacity when more was charged than there was. */
export const usedOf = (rate: Rate, fullAtMs: number, nowMs: number): number =>
  Math.max(0, fullAtMs - nowMs) / rate.msPerUnit;

/** Whole milliseconds until that many units are there: 0 now, Infinity when the bucket never holds so many. */
export function waitMsFor(rate: Rate, fullAtMs: number, units: number, nowMs: number): number {
  if (units > rate.capacity) return Number.POSITIVE_INFINITY;
  const missing = Math.max(fullAtMs, nowMs) + (units - rate.capacity) * rate.msPerUnit - nowMs;
  return missing <= roundingMs ? 0 : Math.ceil(missing - roundingMs);
}

/** `fullAtMs` after a charge. It does not ask whether the units were there. */
export const chargedUntil = (rate: Rate, fullAtMs: number, units: number, nowMs: number): number =>
  Math.max(fullAtMs, nowMs) + units * rate.msPerUnit;

/** `fullAtMs` after units were given back: never above full, so what comes back late is worth nothing. */
export const refundedUntil = (rate: Rate, fullAtMs: number, units: number, nowMs: number): number =>
  Math.max(Math.min(fullAtMs, nowMs), fullAtMs - units * rate.msPerUnit);

/** `fullAtMs` under another rate, with the same units used. */
export const rescaledUntil = (from: Rate, to: Rate, fullAtMs: number, nowMs: number): number =>
  nowMs + usedOf(from, fullAtMs, nowMs) * to.msPerUnit;

/** Sums of fractions of a millisecond are not exact; this is above their error and below one unit of any real limit. */
const roundingMs = 1e-6;
