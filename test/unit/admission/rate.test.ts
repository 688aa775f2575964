import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rateFor } from "../../../src/admission/rate.ts";

const minuteUs = 60_000_000;
const limit = fc.integer({ min: 1, max: 10_000_000 });

describe("a rate per minute", () => {
  it("admits no more than the limit in any window of a minute: burst and refill together fit it", () => {
    fc.assert(
      fc.property(limit, (perMinute) => {
        const { burst, perUnitUs } = rateFor("requests", perMinute);
        const refill = minuteUs / perUnitUs;
        // A limit of one has no room for both: there the refill alone keeps two calls a minute apart.
        if (perMinute === 1) expect(perUnitUs).toBeGreaterThanOrEqual(minuteUs);
        else expect(burst + refill).toBeLessThanOrEqual(perMinute * (1 + 1e-9));
      }),
    );
  });

  it("gives the greater part to the refill and always lets one go", () => {
    fc.assert(
      fc.property(limit, (perMinute) => {
        const { burst, perUnitUs } = rateFor("requests", perMinute);
        expect(Number.isInteger(burst)).toBe(true);
        expect(burst).toBeGreaterThanOrEqual(1);
        expect(minuteUs / perUnitUs).toBeGreaterThanOrEqual(perMinute / 2);
      }),
    );
  });

  it.each([
    [50, 5, 45],
    [60, 6, 54],
    [1_000, 100, 900],
  ])("of %i is a burst of %i and %i a minute", (perMinute, burst, refill) => {
    const rate = rateFor("requests", perMinute);
    expect([rate.burst, minuteUs / rate.perUnitUs]).toEqual([burst, expect.closeTo(refill, 6)]);
  });
});
