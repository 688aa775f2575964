import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../src/attempt/backoff.ts";

const attempt = fc.integer({ min: 1, max: 1_000 });
const policy = fc.record({ baseMs: fc.integer({ min: 1, max: 10_000 }), capMs: fc.integer({ min: 1, max: 100_000 }) });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const floor = fc.integer({ min: 0, max: 1_000_000 });

describe("backoff", () => {
  it("lies between the floor and the floor plus the capped ceiling", () => {
    fc.assert(
      fc.property(attempt, policy, random, floor, (n, { baseMs, capMs }, chance, floorMs) => {
        const wait = backoffMs(n, { baseMs, capMs }, chance, floorMs);
        expect(wait).toBeGreaterThanOrEqual(floorMs);
        expect(wait).toBeLessThanOrEqual(floorMs + Math.min(capMs, baseMs * 2 ** (n - 1)));
      }),
    );
  });

  it("doubles its ceiling with every attempt until the cap", () => {
    const ceilings = [1, 2, 3, 4, 5, 60].map((n) => backoffMs(n, { baseMs: 500, capMs: 6_000 }, 1));
    expect(ceilings).toEqual([500, 1_000, 2_000, 4_000, 6_000, 6_000]);
  });

  it("adds its jitter on top of what the provider said, never dividing it", () => {
    expect(backoffMs(1, { baseMs: 500, capMs: 6_000 }, 0, 20_000)).toBe(20_000);
    expect(backoffMs(1, { baseMs: 500, capMs: 6_000 }, 0.5, 20_000)).toBe(20_250);
  });
});
