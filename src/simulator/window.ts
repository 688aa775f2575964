/**
 * A limit as a running count that starts anew at each edge of the clock's windows (calendar minutes, seconds, days in UTC).
 * On both sides of an edge a whole window may be taken at once. Debt ends with its window. A clock that steps back stays in
 * the later window: stricter, never laxer.
 */
import type { Allowance, Metered, WindowShape } from "./allowance.ts";

/** When the window of a moment began. */
export const windowStart = ({ lengthMs, phaseMs }: Pick<WindowShape, "lengthMs" | "phaseMs">, atMs: number): number =>
  Math.floor((atMs - phaseMs) / lengthMs) * lengthMs + phaseMs;

/** An allowance by windows, with so much of the present one used already. */
export function createWindow(dimension: Metered, initial: WindowShape, used: number, nowMs: number): Allowance {
  let shape = initial;
  let count = { startMs: windowStart(shape, nowMs), used };
  const countAt = (atMs: number) => {
    const startMs = windowStart(shape, atMs);
    if (startMs > count.startMs) count = { startMs, used: 0 };
    return count;
  };
  const endsInMs = (atMs: number) => Math.ceil(countAt(atMs).startMs + shape.lengthMs - atMs);
  return {
    dimension,
    get limit() {
      return shape.told;
    },
    waitMsFor(units, atMs) {
      if (units > shape.units) return Number.POSITIVE_INFINITY;
      return countAt(atMs).used + units <= shape.units ? 0 : endsInMs(atMs);
    },
    used: (atMs) => countAt(atMs).used,
    left: (atMs) => shape.units - countAt(atMs).used,
    fullInMs: endsInMs,
    charge(units, atMs) {
      countAt(atMs).used += units;
    },
    giveBack(units, chargedAtMs, atMs) {
      const present = countAt(atMs);
      if (windowStart(shape, chargedAtMs) === present.startMs) present.used = Math.max(0, present.used - units);
    },
    adopt(changed) {
      const isSame =
        changed.kind === "window" && changed.lengthMs === shape.lengthMs && changed.phaseMs === shape.phaseMs;
      if (isSame) shape = changed;
      return isSame;
    },
  };
}
