import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatUsd } from "../../../src/pricing/money.ts";

describe("nano-dollars as dollars", () => {
  it.each([
    [0n, "$0.0000"],
    [1n, "$0.000000001"],
    [1_200_000n, "$0.0012"],
    [1_234_560_000n, "$1.23456"],
    [12_000_000_000n, "$12.0000"],
    [-1_500_000_000n, "-$1.5000"],
    [9_007_199_254_740_993_000n, "$9007199254.740993"],
  ])("%s is %s", (nano, text) => {
    expect(formatUsd(nano)).toBe(text);
  });

  it("loses nothing", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (nano) => {
        const [, sign = "", whole = "", fraction = ""] = /^(-?)\$(\d+)\.(\d{4,9})$/.exec(formatUsd(nano)) ?? [];
        expect(BigInt(`${sign}${whole}${fraction.padEnd(9, "0")}`)).toBe(nano);
      }),
    );
  });
});
