import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openEstimates } from "../../../src/admission/learned.ts";

describe("what is learned of a deployment", () => {
  it("is nothing before the first call", () => {
    expect(openEstimates().of("d")).toEqual({ inputRatio: 1, outputTokens: undefined });
  });

  it("converges to the provider's ratio of input, whatever it began with", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.25, max: 4.5, noNaN: true }),
        fc.double({ min: 0.25, max: 4.5, noNaN: true }),
        (first, then) => {
          const estimates = openEstimates();
          for (const ratio of [first, then]) {
            for (let n = 0; n < 120; n += 1)
              estimates.observe("d", { estimatedInput: 1_000, chargedInput: 1_000 * ratio });
            expect(Math.abs(estimates.of("d").inputRatio - ratio)).toBeLessThan(0.01 * Math.max(1, ratio) + 0.01);
          }
        },
      ),
    );
  });

  it("takes the first calls for more than a guess, and moves by a twentieth with one call of many", () => {
    const estimates = openEstimates();
    const ratio = () => estimates.of("d").inputRatio;
    estimates.observe("d", { estimatedInput: 100, chargedInput: 200 });
    expect(ratio()).toBeCloseTo(1.5, 9);
    for (let n = 2; n <= 20; n += 1) estimates.observe("d", { estimatedInput: 100, chargedInput: 200 });
    expect(ratio()).toBeCloseTo(2 - 1 / 21, 1);
    const before = ratio();
    estimates.observe("d", { estimatedInput: 100, chargedInput: 100 });
    expect(before - ratio()).toBeCloseTo(0.05 * (before - 1), 9);
  });

  it("does not move far with a call that is off, nor at all with one that says nothing", () => {
    const estimates = openEstimates();
    estimates.observe("d", { estimatedInput: 100, chargedInput: 100 });
    estimates.observe("d", { estimatedInput: 1, chargedInput: 1_000_000 });
    const before = estimates.of("d").inputRatio;
    expect(before).toBeLessThan(1.1);
    estimates.observe("d", { estimatedInput: 0, chargedInput: 50 });
    estimates.observe("d", { estimatedInput: 100 });
    expect(estimates.of("d").inputRatio).toBe(before);
  });

  it("corrects the tokens of all calls together, where small requests are off by another ratio than large ones", () => {
    const estimates = openEstimates();
    let corrected = 0;
    let charged = 0;
    for (let n = 0; n < 4_000; n += 1) {
      const seen =
        n % 2 === 0 ? { estimatedInput: 10, chargedInput: 6 } : { estimatedInput: 1_000, chargedInput: 1_068 };
      if (n >= 400) {
        corrected += seen.estimatedInput * estimates.of("d").inputRatio;
        charged += seen.chargedInput;
      }
      estimates.observe("d", seen);
    }
    expect(Math.abs(corrected / charged - 1)).toBeLessThan(0.002);
  });

  it("expects output as long as nine of ten answers: not below, and above by a bucket at most", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 400 }), (outputs) => {
        const estimates = openEstimates();
        for (const outputTokens of outputs) estimates.observe("d", { estimatedInput: 1, outputTokens });
        const sorted = [...outputs].sort((one, other) => one - other);
        const percentile = sorted[Math.ceil(0.9 * sorted.length) - 1] ?? 0;
        const { outputTokens = 0 } = estimates.of("d");
        expect(outputTokens).toBeGreaterThanOrEqual(percentile);
        expect(outputTokens).toBeLessThanOrEqual(Math.ceil(percentile * 2 ** (1 / 8)) + 1);
      }),
    );
  });

  it("forgets what was long ago", () => {
    const estimates = openEstimates();
    for (let n = 0; n < 3_000; n += 1) estimates.observe("d", { estimatedInput: 1, outputTokens: 10_000 });
    for (let n = 0; n < 6_000; n += 1) estimates.observe("d", { estimatedInput: 1, outputTokens: 100 });
    expect(estimates.of("d").outputTokens).toBeLessThan(120);
  });

  it("of one deployment says nothing of another", () => {
    const estimates = openEstimates();
    estimates.observe("one", { estimatedInput: 100, chargedInput: 300, outputTokens: 5 });
    expect(estimates.of("other")).toEqual({ inputRatio: 1, outputTokens: undefined });
  });

  it("is taken over from an earlier process, unless this one knows better", () => {
    const earlier = openEstimates();
    for (let n = 0; n < 100; n += 1)
      earlier.observe("d", { estimatedInput: 100, chargedInput: 150, outputTokens: 700 });
    const learned = earlier.of("d");
    const estimates = openEstimates();
    estimates.restore("d", learned);
    expect(estimates.of("d").inputRatio).toBe(learned.inputRatio);
    expect(estimates.of("d").outputTokens).toBe(learned.outputTokens);
    // It counts as many calls, not as a guess.
    estimates.observe("d", { estimatedInput: 100, chargedInput: 100 });
    expect(learned.inputRatio - estimates.of("d").inputRatio).toBeCloseTo(0.05 * (learned.inputRatio - 1), 9);
    estimates.observe("known", { estimatedInput: 100, chargedInput: 100 });
    const before = estimates.of("known");
    estimates.restore("known", { inputRatio: 3, outputTokens: 9_999 });
    expect(estimates.of("known")).toEqual(before);
    estimates.restore("half", { inputRatio: 2, outputTokens: undefined });
    expect(estimates.of("half")).toEqual({ inputRatio: 2, outputTokens: undefined });
  });

  it("of an earlier process gives way to what comes", () => {
    const estimates = openEstimates();
    estimates.restore("d", { inputRatio: 1, outputTokens: 10_000 });
    for (let n = 0; n < 60; n += 1) estimates.observe("d", { estimatedInput: 1, outputTokens: 100 });
    expect(estimates.of("d").outputTokens).toBeLessThan(120);
  });
});
