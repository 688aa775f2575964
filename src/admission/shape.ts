/**
 * A limit as the gate's script wants it, so that what conforms here conforms at the provider. Pure.
 *
 * Network calculus: what leaves our gate as burst B′ and rate r arrives as burst B′ + r·J, where J is the spread of the way
 * there (longest minus shortest). So a part of the provider's burst is kept back, rather than of its rate.
 */
import type { Limit } from "../config/pool.ts";

export type Shape =
  | { readonly kind: "unlimited" }
  /** Refills one unit in `perUnitUs` and holds `size`. A pool without state starts with `coldUnits`. */
  | { readonly kind: "bucket"; readonly perUnitUs: number; readonly size: number; readonly coldUnits: number }
  /** Starts anew every `lengthUs`, at `phaseUs` and its multiples. What starts within `guardUs` of the end counts in both. */
  | {
      readonly kind: "window";
      readonly lengthUs: number;
      readonly phaseUs: number;
      readonly guardUs: number;
      readonly size: number;
      readonly coldUnits: number;
    };

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Microseconds from 1970 to 2025, where the scripts' time begins. */
const originUs = 1_735_689_600_000_000;

/** Of the provider's burst: nine tenths were enough for zero refusals, all of it was not (docs/limits.md). */
const burstShare = 0.9;
/** Of its rate: covers clocks that run apart, and the two thousandths by which ours heals a step (lua/include/clock.lua). */
const rateMargin = 0.005;
/**
 * Of the tokens of a minute: what we count as input is our estimate until the minute is over, and a minute that is used to its
 * end has no burst that would take up its error (docs/limits.md).
 */
const estimateMargin = 0.005;
/** Our clock may be that far from the provider's where it counts by the clock. */
const clockMs = 100;
/**
 * A pool that nobody remembers starts with this many seconds' worth of its rate, at most with the part of the burst that is
 * kept back, so that what a lost state grants twice fits into it; but with one call at least.
 */
const coldSeconds = 3;

/** `limit` is the one that is followed now: the configured one, or what the provider says. */
export function shapeOf(spec: Limit, limit: number | undefined, jitterMs: number, now: Date = new Date()): Shape {
  if (limit === undefined) return { kind: "unlimited" };
  switch (spec.mode) {
    case "bucket":
      return refilling(limit, spec.burstSeconds, jitterMs);
    case "sliding":
      return sliding(limit, jitterMs);
    case "second":
      return spaced(limit, jitterMs);
    case "minute":
      return window(ofMinute(spec, limit), minuteMs, 0, 2 * clockMs + jitterMs, clockMs, (limit * coldSeconds) / 60);
    case "day":
      return window(limit, dayMs, -offsetMs(spec.timeZone, now), 10_000, clockMs, limit);
  }
}

function refilling(limit: number, burstSeconds: number, jitterMs: number): Shape {
  const perMs = (limit * (1 - rateMargin)) / minuteMs;
  const burst = (limit * burstSeconds) / 60;
  const whole = burstShare * burst - perMs * jitterMs;
  const size = Math.max(1, whole);
  // One call at a time is the least there is; then they keep the distance that the burst does not cover.
  const apartMs = whole < 1 ? Math.max(0, 2 - Math.max(1, burst)) / (limit / minuteMs) + jitterMs : 0;
  const coldUnits = Math.max(1, Math.min(size, perMs * 1_000 * coldSeconds, (1 - burstShare) * burst));
  return { kind: "bucket", perUnitUs: Math.max(1 / perMs, apartMs) * 1_000, size, coldUnits };
}

/** burst + refill × (minute + J) ≤ limit, so that no window of a minute holds more, wherever it starts. */
function sliding(limit: number, jitterMs: number): Shape {
  const size = Math.max(1, Math.floor(limit / 10));
  const perUnitMs = (minuteMs + jitterMs) / Math.max(limit - size, 0.999) / (1 - rateMargin);
  const coldUnits = Math.min(size, Math.max(1, (coldSeconds * 1_000) / perUnitMs));
  return { kind: "bucket", perUnitUs: perUnitMs * 1_000, size, coldUnits };
}

/**
 * n calls a second at most, in windows whose edges nobody knows: one at a time, n − 1 intervals in a second and J. Its
 * bound is (1 − 1/n) / (1 + J/W), whatever the code (docs/limits.md).
 */
function spaced(limit: number, jitterMs: number): Shape {
  const inSecond = Math.floor(limit / 60);
  const perUnitMs =
    inSecond >= 2
      ? (1_000 + jitterMs) / Math.min(inSecond - 1, inSecond * (1 - rateMargin))
      : Math.max(1_000 + jitterMs, minuteMs / limit + jitterMs) / (1 - rateMargin);
  return { kind: "bucket", perUnitUs: perUnitMs * 1_000, size: 1, coldUnits: 1 };
}

/** Requests are counted as the provider does, one by one. */
const ofMinute = ({ dimension }: Limit, limit: number): number =>
  dimension === "requests" ? limit : limit - Math.floor(limit * estimateMargin);

/** Begins `lateMs` after the provider's clock does, so that a fast clock of ours is not early. */
const window = (
  size: number,
  lengthMs: number,
  phaseMs: number,
  guardMs: number,
  lateMs: number,
  coldUnits: number,
): Shape => ({
  kind: "window",
  lengthUs: lengthMs * 1_000,
  // Not wrapped: the number of a day must not jump when a zone's offset changes its sign.
  phaseUs: (phaseMs + lateMs) * 1_000 - (originUs % (lengthMs * 1_000)),
  guardUs: guardMs * 1_000,
  size,
  coldUnits: Math.min(size, coldUnits),
});

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** How far a zone's clock is ahead of UTC at that moment. */
export function offsetMs(timeZone: string, at: Date): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).formatToParts(at);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const [, sign, hours = "0", minutes = "0"] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minuteMs;
}

/** Milliseconds until the next midnight of a zone: when daily counters start anew. */
export const untilMidnightMs = (timeZone: string, at: Date): number =>
  dayMs - modulo(at.getTime() + offsetMs(timeZone, at), dayMs);

/** When the day of a zone began. */
export const lastMidnight = (timeZone: string, at: Date): Date =>
  new Date(at.getTime() + untilMidnightMs(timeZone, at) - dayMs);

/** Units that one call may take at most; undefined without a limit. More can never pass. */
export function mostAtOnce(spec: Limit, jitterMs: number): number | undefined {
  if (spec.mode === "day") return spec.limit;
  const shape = shapeOf(spec, spec.limit, jitterMs);
  return shape.kind === "unlimited" ? undefined : shape.size;
}

/**
 * How far a call may fill a pool: a fifth of every burst and of the concurrency is kept for interactive requests, so that
 * bulk work, which takes all there is, leaves them a permit at once. What has aged is let in as they are.
 */
export const shareFor = (goesFirst: boolean): number => (goesFirst ? 1 : 0.8);
