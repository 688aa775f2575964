import { describe, expect, it } from "vitest";
import { durationMs, retryAfterMs, untilInstantMs, waitInMessage } from "../../../src/provider/retry-after.ts";

const nowMs = Date.parse("2026-10-21T07:28:00Z");
const fromHeaders = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), nowMs);

describe("the headers of a wait", () => {
  it.each([
    [{ "retry-after": "17" }, 17_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after-ms": "120" }, 120],
    [{ "retry-after-ms": "120.4" }, 121],
    [{ "retry-after-ms": "120", "retry-after": "1" }, 120],
    [{ "retry-after-ms": "soon", "retry-after": "1" }, 1_000],
    [{ "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT" }, 30_000],
    [{ "retry-after": "Wed, 21 Oct 2026 07:27:00 GMT" }, 0],
    [{}, undefined],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "2026" }, 2_026_000],
  ])("%j is %s ms", (headers, expected) => {
    expect(fromHeaders(headers)).toBe(expected);
  });
});

describe("a duration", () => {
  it.each([
    ["6m0s", 360_000],
    ["120ms", 120],
    ["1m12s", 72_000],
    ["3.114s", 3_114],
    ["8.64s", 8_640],
    ["1h2m3.5s", 3_723_500],
    ["46s", 46_000],
    ["0s", 0],
    ["500µs", 1],
    ["250us", 1],
    ["1ns", 1],
    ["", undefined],
    ["46", undefined],
    ["s", undefined],
    ["4x", undefined],
    ["-3s", undefined],
    ["1m later", undefined],
  ])("%j is %s ms", (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });
});

describe("a wait told in words", () => {
  it.each([
    ["Please try again in 5.289s. Visit https://example.test", 5_289],
    ["Please try again in 7m12s.", 432_000],
    ["Please try again in 6ms.", 6],
    ["Please retry in 46.20044179s.", 46_201],
    ["Please retry after 20 seconds.", 20_000],
    ["try again in 2 minutes", 120_000],
    ["TRY AGAIN IN 1 hour", 3_600_000],
    ["Please try again later.", undefined],
    ["try again in a moment", undefined],
    ["", undefined],
  ])("%j is %s ms", (message, expected) => {
    expect(waitInMessage(message)).toBe(expected);
  });
});

describe("an instant", () => {
  it("counts from now and is never negative", () => {
    expect(untilInstantMs("2026-10-21T07:28:05Z", nowMs)).toBe(5_000);
    expect(untilInstantMs("2026-10-21T09:28:05+02:00", nowMs)).toBe(5_000);
    expect(untilInstantMs("2026-10-21T07:00:00Z", nowMs)).toBe(0);
    expect(untilInstantMs("tomorrow", nowMs)).toBeUndefined();
    expect(untilInstantMs("2026-10-99T00:00:00Z", nowMs)).toBeUndefined();
  });
});
