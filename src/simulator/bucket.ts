import type { Allowance, BucketShape, Metered } from "./allowance.ts";
import { chargedUntil, rateOf, refundedUntil, rescaledUntil, usedOf, waitMsFor } from "./limits.ts";

/** An allowance that refills all the time (`limits.ts`), with so much of it used already. */
export function createBucket(dimension: Metered, initial: BucketShape, used: number, nowMs: number): Allowance {
  const originMs = nowMs; // times are kept from here on: see `limits.ts`
  let { perMinute } = initial;
  let rate = rateOf(perMinute, initial.burstSeconds);
  let fullAtMs = used * rate.msPerUnit;
  return {
    dimension,
    get limit() {
      return perMinute;
    },
    waitMsFor: (units, atMs) => waitMsFor(rate, fullAtMs, units, atMs - originMs),
    used: (atMs) => usedOf(rate, fullAtMs, atMs - originMs),
    left: (atMs) => rate.capacity - usedOf(rate, fullAtMs, atMs - originMs),
    fullInMs: (atMs) => Math.max(0, Math.ceil(fullAtMs - (atMs - originMs))),
    charge(units, atMs) {
      fullAtMs = chargedUntil(rate, fullAtMs, units, atMs - originMs);
    },
    giveBack(units, _chargedAtMs, atMs) {
      fullAtMs = refundedUntil(rate, fullAtMs, units, atMs - originMs);
    },
    adopt(shape, atMs) {
      if (shape.kind !== "bucket") return false;
      const changed = rateOf(shape.perMinute, shape.burstSeconds);
      fullAtMs = rescaledUntil(rate, changed, fullAtMs, atMs - originMs);
      rate = changed;
      perMinute = shape.perMinute;
      return true;
    },
  };
}
