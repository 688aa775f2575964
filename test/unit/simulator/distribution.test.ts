import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { uniformAt } from "../../../src/simulator/digest.ts";
import { valueAt } from "../../../src/simulator/distribution.ts";

const percentiles = fc
  .tuple(fc.double({ min: 0.1, max: 1e4, noNaN: true }), fc.double({ min: 1, max: 100, noNaN: true }))
  .map(([p50, factor]) => ({ p50, p99: p50 * factor }));
const probability = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

describe("a distribution", () => {
  test("has the percentiles it was given", () => {
    fc.assert(
      fc.property(percentiles, (distribution) => {
        expect(valueAt(distribution, 0.5) / distribution.p50).toBeCloseTo(1, 6);
        expect(valueAt(distribution, 0.99) / distribution.p99).toBeCloseTo(1, 6);
      }),
    );
  });

  test("rises with the probability and stays finite and positive", () => {
    fc.assert(
      fc.property(percentiles, probability, probability, (distribution, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((p) => valueAt(distribution, p));
        expect(low).toBeGreaterThan(0);
        expect(high).toBeLessThan(Number.POSITIVE_INFINITY);
        expect(low).toBeLessThanOrEqual((high ?? 0) * (1 + 1e-9));
      }),
    );
  });

  test("is a constant where both percentiles are the same", () => {
    expect(valueAt({ p50: 7, p99: 7 }, 0.999)).toBe(7);
    expect(valueAt({ p50: 0, p99: 0 }, 0.999)).toBe(0);
  });

  test("comes out of seeded draws as ordered", () => {
    const drawn = Array.from({ length: 20_000 }, (_, place) => valueAt({ p50: 300, p99: 1_500 }, uniformAt(42, place)));
    drawn.sort((one, other) => one - other);
    expect((drawn[10_000] ?? 0) / 300).toBeCloseTo(1, 1);
    expect((drawn[19_800] ?? 0) / 1_500).toBeGreaterThan(0.9);
    expect((drawn[19_800] ?? 0) / 1_500).toBeLessThan(1.1);
  });
});

describe("a seeded sequence", () => {
  test("is the same for the same seed and another for another", () => {
    const sequence = (seed: number) => Array.from({ length: 100 }, (_, place) => uniformAt(seed, place));
    expect(sequence(1)).toEqual(sequence(1));
    expect(sequence(1)).not.toEqual(sequence(2));
    for (const value of sequence(3)) expect(value >= 0 && value < 1).toBe(true);
  });
});
