import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openEstimates } from "../../../src/admission/learned.ts";
import { mostAtOnce, offsetMs, type Shape, shapeOf, shareFor } from "../../../src/admission/shape.ts";
import type { Limit, LimitMode } from "../../../src/config/pool.ts";
import { randomFrom } from "../../support/random.ts";

const spec = (mode: LimitMode, more: Partial<Limit> = {}): Limit => ({
  dimension: "requests",
  mode,
  limit: 60,
  fixed: false,
  burstSeconds: 6,
  timeZone: "UTC",
  ...more,
});
const bucketOf = (shape: Shape) => {
  if (shape.kind !== "bucket") throw new Error(`a ${shape.kind} is no bucket`);
  return shape;
};
const windowOf = (shape: Shape) => {
  if (shape.kind !== "window") throw new Error(`a ${shape.kind} is no window`);
  return shape;
};
const originUs = Date.UTC(2025, 0, 1) * 1_000;
const anyLimit = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10_000_000 }));
const anyJitter = fc.integer({ min: 0, max: 500 });
const minuteUs = 60_000_000;

describe("a bucket's shape", () => {
  it.each([
    [1_000, 6, 50, 90 - 0.829_17, 100 * 0.1],
    [60_000, 60, 50, 54_000 - 49.75, 2_985],
    [600, 6, 0, 54, 6],
  ])(
    "of %i a minute and %i s of burst keeps a tenth of it and what the way's %i ms may bring together",
    (limit, burstSeconds, jitterMs, size, cold) => {
      const shape = bucketOf(shapeOf(spec("bucket", { burstSeconds }), limit, jitterMs));
      expect(shape.size).toBeCloseTo(size, 3);
      expect(shape.coldUnits).toBeCloseTo(cold, 3);
      expect(shape.perUnitUs).toBeCloseTo(minuteUs / (limit * 0.995), 3);
      expect(mostAtOnce(spec("bucket", { limit, burstSeconds }), jitterMs)).toBe(shape.size);
    },
  );

  it("conforms at the provider: no two calls, and no burst, bring more together than it holds", () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 1, max: 120 }), anyJitter, (limit, burstSeconds, jitterMs) => {
        const provider = { burst: Math.max(1, (limit * burstSeconds) / 60), perUs: limit / minuteUs };
        const { size, perUnitUs } = bucketOf(shapeOf(spec("bucket", { burstSeconds }), limit, jitterMs));
        // The most that arrives within t: what left within t + J. Whole calls, at the instants at which one more may leave.
        for (let n = 1; n <= 50; n += 1) {
          const leftWithinUs = Math.max(0, n - size) * perUnitUs;
          const arrivedWithinUs = Math.max(0, leftWithinUs - jitterMs * 1_000);
          expect(n).toBeLessThanOrEqual(Math.max(1, provider.burst + provider.perUs * arrivedWithinUs + 1e-6));
        }
        expect(1 / perUnitUs).toBeLessThan(provider.perUs);
      }),
      { numRuns: 2_000 },
    );
  });

  it("starts cold with what was kept back, so that a state that is lost grants nothing twice", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1_000_000 }), fc.integer({ min: 6, max: 60 }), (limit, burstSeconds) => {
        const { coldUnits, size } = bucketOf(shapeOf(spec("bucket", { burstSeconds }), limit, 0));
        expect(coldUnits).toBeLessThanOrEqual(Math.max(1, 0.1 * ((limit * burstSeconds) / 60) + 1e-9));
        expect(coldUnits).toBeLessThanOrEqual(size);
      }),
    );
  });
});

describe("a sliding minute's shape", () => {
  it("lets burst and refill of a minute and the way's spread together be no more than the limit", () => {
    fc.assert(
      fc.property(anyLimit, anyJitter, (limit, jitterMs) => {
        const { size, perUnitUs } = bucketOf(shapeOf(spec("sliding"), limit, jitterMs));
        const windowUs = minuteUs + jitterMs * 1_000;
        // Whole calls: those at once, and then one each time that one has refilled within the window.
        expect(Math.floor(size) + Math.floor((windowUs * (1 - 1e-9)) / perUnitUs)).toBeLessThanOrEqual(limit);
        expect(size).toBeGreaterThanOrEqual(1);
        if (limit > 1) expect(size + windowUs / perUnitUs).toBeLessThanOrEqual(limit * (1 + 1e-9));
      }),
    );
  });

  it.each(Array.from({ length: 10 }, (_, at) => at + 1))(
    "of %i lets no more through in any minute, called whenever it allows",
    (limit) => {
      const { size, perUnitUs } = bucketOf(shapeOf(spec("sliding"), limit, 50));
      const starts: number[] = [];
      let arrivalTime = 0;
      for (let us = 0; starts.length < 5 * limit; us = Math.max(us, arrivalTime + (1 - size) * perUnitUs)) {
        starts.push(us);
        arrivalTime = Math.max(arrivalTime, us) + perUnitUs;
      }
      for (const [at, start] of starts.entries()) {
        expect(starts.slice(at).filter((later) => later < start + minuteUs + 50_000).length).toBeLessThanOrEqual(limit);
      }
    },
  );
});

describe("a second's shape", () => {
  it("lets n calls begin within a second and the spread, and n - 1 intervals fill it, or 99.5 % of n where that is less", () => {
    fc.assert(
      fc.property(anyLimit, anyJitter, (limit, jitterMs) => {
        const { size, perUnitUs, coldUnits } = bucketOf(shapeOf(spec("second"), limit, jitterMs));
        expect([size, coldUnits]).toEqual([1, 1]);
        const inSecond = Math.floor(limit / 60);
        const windowUs = 1_000_000 + jitterMs * 1_000;
        if (inSecond >= 2) expect(Math.min(inSecond - 1, 0.995 * inSecond) * perUnitUs).toBeCloseTo(windowUs, 3);
        else expect(perUnitUs).toBeGreaterThan(Math.max(windowUs, minuteUs / limit + jitterMs * 1_000));
        expect(perUnitUs * limit).toBeGreaterThanOrEqual(minuteUs);
      }),
    );
  });

  it("lets no more than n begin there while the clock runs two thousandths fast to heal a step", () => {
    fc.assert(
      fc.property(anyLimit, anyJitter, (limit, jitterMs) => {
        const { perUnitUs } = bucketOf(shapeOf(spec("second"), limit, jitterMs));
        const healedUs = perUnitUs / 1.002;
        const windowUs = 1_000_000 + jitterMs * 1_000;
        expect(Math.ceil(windowUs / healedUs)).toBeLessThanOrEqual(Math.max(1, Math.floor(limit / 60)));
      }),
    );
  });
});

describe("a minute's shape", () => {
  it("begins a tenth of a second after the clock's minute, and counts twice what may arrive in the next one", () => {
    const shape = windowOf(shapeOf(spec("minute"), 600, 50));
    expect(shape).toEqual({
      kind: "window",
      lengthUs: minuteUs,
      phaseUs: 100_000,
      guardUs: 250_000,
      size: 600,
      coldUnits: 30,
    });
    expect((originUs + shape.phaseUs) % minuteUs).toBe(100_000);
  });

  it("covers a clock that is a tenth of a second off, either way", () => {
    fc.assert(
      fc.property(anyJitter, fc.integer({ min: -100, max: 100 }), (jitterMs, aheadMs) => {
        const { phaseUs, guardUs } = windowOf(shapeOf(spec("minute"), 600, jitterMs));
        expect(phaseUs / 1_000 + aheadMs).toBeGreaterThanOrEqual(0);
        expect(phaseUs / 1_000 - guardUs / 1_000 + jitterMs + aheadMs).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe("the tokens of a minute", () => {
  const limit = 1_300_000;
  const maxOutputTokens = 1_024;
  const tokens = spec("minute", { dimension: "tokens", limit });

  it("leave half a per cent for estimates, requests none, and no call may take more than is left", () => {
    expect(windowOf(shapeOf(tokens, limit, 50)).size).toBe(0.995 * limit);
    expect(windowOf(shapeOf(spec("minute", { dimension: "inputTokens" }), limit, 50)).size).toBe(0.995 * limit);
    expect(windowOf(shapeOf(spec("minute"), limit, 50)).size).toBe(limit);
    expect(mostAtOnce(tokens, 50)).toBe(0.995 * limit);
    expect(mostAtOnce(spec("minute"), 50)).toBe(60);
  });

  it.each([1, 4, 16])(
    "are not overdrawn by %i processes whose estimates are off by 8 % a call and by a quarter in all",
    (processes) => {
      const { size } = windowOf(shapeOf(tokens, limit, 50));
      for (let seed = 1; seed <= 20; seed += 1) {
        const random = randomFrom(seed);
        const learned = Array.from({ length: processes }, openEstimates);
        let [reserved, counted] = [0, 0];
        // The first calls of a process are what it learns from; then come full minutes.
        for (let call = -20 * processes, minute = 0; minute < 5; call += 1) {
          const estimates = learned[Math.abs(call) % processes];
          const estimatedInput = Math.ceil(20 + 2_300 * random());
          const chargedInput = Math.round(estimatedInput * 1.25 * (0.92 + 0.16 * random()));
          const asked = Math.ceil(estimatedInput * (estimates?.of("a").inputRatio ?? 1)) + maxOutputTokens;
          if (reserved + asked > size) {
            expect(counted, `seed ${seed}`).toBeLessThanOrEqual(limit);
            [reserved, counted] = [0, 0];
            minute += 1;
          }
          if (call >= 0) {
            reserved += asked;
            counted += chargedInput + maxOutputTokens;
          }
          estimates?.observe("a", { estimatedInput, chargedInput });
        }
      }
    },
  );
});

describe("a day's shape", () => {
  const phaseAt = (timeZone: string, now: string) => {
    const shape = windowOf(shapeOf(spec("day", { timeZone }), 100, 50, new Date(now)));
    expect(shape).toMatchObject({ lengthUs: 86_400_000_000, size: 100, coldUnits: 100 });
    return ((((originUs + shape.phaseUs) % 86_400_000_000) + 86_400_000_000) % 86_400_000_000) / 3_600_000_000;
  };

  it.each([
    ["UTC", "2026-06-01T12:00:00Z", 0],
    ["America/Los_Angeles", "2026-06-01T12:00:00Z", 7],
    ["America/Los_Angeles", "2026-12-01T12:00:00Z", 8],
    ["Asia/Tokyo", "2026-06-01T12:00:00Z", 15],
    ["Asia/Kolkata", "2026-06-01T12:00:00Z", 18.5],
    ["Pacific/Auckland", "2026-06-01T12:00:00Z", 12],
    // The clocks change at 02:00: 2026-03-08 10:00 UTC, and back 2026-11-01 09:00 UTC.
    ["America/Los_Angeles", "2026-03-08T09:59:00Z", 8],
    ["America/Los_Angeles", "2026-03-08T10:01:00Z", 7],
    ["America/Los_Angeles", "2026-11-01T08:59:00Z", 7],
    ["America/Los_Angeles", "2026-11-01T09:01:00Z", 8],
  ])("of %s at %s starts anew at %d o'clock UTC, or a little later", (timeZone, now, hours) => {
    expect(phaseAt(timeZone, now)).toBeGreaterThanOrEqual(hours);
    expect(phaseAt(timeZone, now)).toBeLessThan(hours + 0.01);
  });

  it.each([
    ["UTC", "2026-06-01T00:00:00Z", 0],
    ["America/New_York", "2026-01-15T00:00:00Z", -5],
    ["America/St_Johns", "2026-01-15T00:00:00Z", -3.5],
    ["Asia/Kathmandu", "2026-01-15T00:00:00Z", 5.75],
  ])("knows how far %s is from UTC", (timeZone, now, hours) => {
    expect(offsetMs(timeZone, new Date(now))).toBe(hours * 3_600_000);
  });
});

it("is no shape at all where no limit is known", () => {
  for (const mode of ["bucket", "minute", "second", "sliding", "day"] as const) {
    expect(shapeOf(spec(mode), undefined, 50)).toEqual({ kind: "unlimited" });
  }
  expect(mostAtOnce(spec("bucket", { limit: undefined }), 50)).toBeUndefined();
});

it("leaves a fifth to those who go first", () => {
  expect([shareFor(true), shareFor(false)]).toEqual([1, 0.8]);
});
