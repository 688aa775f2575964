import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chargedUntil,
  type Rate,
  rateOf,
  refundedUntil,
  rescaledUntil,
  usedOf,
  waitMsFor,
} from "../../../src/simulator/limits.ts";

interface Arrival {
  readonly afterMs: number;
  readonly units: number;
}
const arrivals = fc.array(
  fc.record({ afterMs: fc.oneof(fc.constant(0), fc.nat(20_000)), units: fc.integer({ min: 1, max: 50 }) }),
  {
    minLength: 1,
    maxLength: 200,
  },
);
const rates = fc
  .record({ perMinute: fc.integer({ min: 1, max: 1_000 }), burstSeconds: fc.integer({ min: 1, max: 60 }) })
  .map(({ perMinute, burstSeconds }) => rateOf(perMinute, burstSeconds));

/** What a bucket lets through, in order of arrival. */
function admitted(rate: Rate, list: readonly Arrival[]): { atMs: number; units: number }[] {
  let nowMs = 0;
  let fullAtMs = 0;
  const through: { atMs: number; units: number }[] = [];
  for (const { afterMs, units } of list) {
    nowMs += afterMs;
    if (waitMsFor(rate, fullAtMs, units, nowMs) > 0) continue;
    fullAtMs = chargedUntil(rate, fullAtMs, units, nowMs);
    through.push({ atMs: nowMs, units });
  }
  return through;
}

describe("a rate limit", () => {
  test("admits no more than its burst and its rate in any window", () => {
    fc.assert(
      fc.property(rates, arrivals, (rate, list) => {
        const through = admitted(rate, list);
        for (let from = 0; from < through.length; from += 1) {
          let sum = 0;
          for (const { atMs, units } of through.slice(from)) {
            sum += units;
            const windowMs = atMs - (through[from]?.atMs ?? 0);
            expect(sum).toBeLessThanOrEqual(rate.capacity + windowMs / rate.msPerUnit + 1e-4);
          }
        }
      }),
    );
  });

  test("refuses nothing that a bucket counted in levels has room for", () => {
    fc.assert(
      fc.property(rates, arrivals, (rate, list) => {
        let level = rate.capacity;
        const expected: { atMs: number; units: number }[] = [];
        let nowMs = 0;
        for (const { afterMs, units } of list) {
          nowMs += afterMs;
          level = Math.min(rate.capacity, level + afterMs / rate.msPerUnit);
          // On the edge the two ways of counting may differ by their rounding: such a run says nothing.
          fc.pre(Math.abs(level - units) > 1e-4 || Number.isInteger(level));
          if (units > level) continue;
          level -= units;
          expected.push({ atMs: nowMs, units });
        }
        expect(admitted(rate, list)).toEqual(expected);
      }),
    );
  });

  test("names the first millisecond at which the units are there", () => {
    fc.assert(
      fc.property(rates, fc.nat(100_000), fc.integer({ min: 1, max: 50 }), (rate, fullAtMs, units) => {
        const waitMs = waitMsFor(rate, fullAtMs, units, 0);
        if (units > rate.capacity) {
          expect(waitMs).toBe(Number.POSITIVE_INFINITY);
          return;
        }
        expect(waitMsFor(rate, fullAtMs, units, waitMs)).toBe(0);
        if (waitMs > 0) expect(waitMsFor(rate, fullAtMs, units, waitMs - 1)).toBeGreaterThan(0);
      }),
    );
  });

  test("keeps what is used when the rate changes", () => {
    fc.assert(
      fc.property(rates, rates, fc.nat(100_000), fc.nat(100_000), (from, to, fullAtMs, nowMs) => {
        const used = usedOf(from, fullAtMs, nowMs);
        expect(usedOf(to, rescaledUntil(from, to, fullAtMs, nowMs), nowMs)).toBeCloseTo(used, 3);
      }),
    );
  });

  test("takes back what was charged, and never more than it holds", () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat(20_000), charge: fc.nat(50), refund: fc.nat(80) }), {
      minLength: 1,
      maxLength: 100,
    });
    fc.assert(
      fc.property(rates, steps, (rate, list) => {
        let [nowMs, fullAtMs, level] = [0, 0, rate.capacity];
        for (const { afterMs, charge, refund } of list) {
          nowMs += afterMs;
          fullAtMs = chargedUntil(rate, fullAtMs, charge, nowMs);
          level = Math.min(rate.capacity, level + afterMs / rate.msPerUnit) - charge;
          fullAtMs = refundedUntil(rate, fullAtMs, refund, nowMs);
          level = Math.min(rate.capacity, level + refund);
          expect(rate.capacity - usedOf(rate, fullAtMs, nowMs)).toBeCloseTo(level, 3);
        }
      }),
    );
  });

  test("is not made laxer by a refund when the clock steps back", () => {
    const rate = rateOf(60, 60);
    expect(refundedUntil(rate, 5_000, 100, 9_000)).toBe(5_000);
    expect(refundedUntil(rate, 9_000, 100, 5_000)).toBe(5_000);
  });

  test("holds one unit even where a burst is worth less", () => {
    expect(rateOf(6, 1).capacity).toBe(1);
  });
});
