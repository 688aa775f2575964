import { describe, expect, it } from "vitest";
import { limitReport } from "../../../src/provider/limit-headers.ts";

const nowMs = Date.parse("2026-10-21T07:28:00Z");
const names = {
  requests: { limit: "l-requests", remaining: "r-requests", reset: "t-requests" },
  inputTokens: { limit: "l-input", remaining: "r-input", reset: "t-input" },
};
const report = (headers: Record<string, string>) => limitReport(new Headers(headers), names, nowMs);

describe("rate-limit headers", () => {
  it("read the three encodings of a reset", () => {
    expect(report({ "l-requests": "500", "r-requests": "499", "t-requests": "120ms" })).toEqual({
      requests: { limit: 500, remaining: 499, resetMs: 120 },
    });
    expect(report({ "t-requests": "2026-10-21T07:28:01Z" })).toEqual({ requests: { resetMs: 1_000 } });
    expect(report({ "t-requests": "30" })).toEqual({ requests: { resetMs: 30_000 } });
  });

  it("say nothing where the provider says nothing, and nothing that cannot be true", () => {
    expect(report({})).toBeUndefined();
    expect(report({ "l-requests": "-1", "r-requests": "", "t-requests": "soon" })).toBeUndefined();
  });

  it("keep what is known of each dimension apart", () => {
    expect(report({ "l-input": "30000", "r-requests": "0" })).toEqual({
      inputTokens: { limit: 30_000 },
      requests: { remaining: 0 },
    });
  });
});
