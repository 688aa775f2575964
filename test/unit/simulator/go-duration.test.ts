import fc from "fast-check";
import { expect, test } from "vitest";
import { durationMs } from "../../../src/provider/retry-after.ts";
import { goDuration } from "../../../src/simulator/go-duration.ts";

test.each([
  [0, "0s"],
  [120, "120ms"],
  [644.2, "645ms"],
  [8_640, "8.64s"],
  [60_000, "1m0s"],
  [72_000, "1m12s"],
  [360_000, "6m0s"],
  [31_512_500, "8h45m12.5s"],
  [3_600_000, "1h0m0s"],
])("%d ms are written as %s", (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});

test("a written duration is read back as the same time", () => {
  fc.assert(
    fc.property(fc.nat(100_000_000), (ms) => {
      expect(durationMs(goDuration(ms))).toBe(ms);
    }),
  );
});
