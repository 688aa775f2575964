import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf } from "../../../src/pricing/price.ts";
import type { Usage } from "../../../src/request/usage.ts";

const at = new Date("2026-11-20T12:00:00Z");

describe("the cost of a call", () => {
  it("is in whole nano-dollars and names the price book", () => {
    const cost = costOf("anthropic", "claude-haiku-4-5", { inputTokens: 1_000, outputTokens: 100 }, at);
    expect(cost).toEqual({ nanoUsd: 1_500_000n, priceVersion: expect.stringMatching(/^genai-prices@\d+\.\d+\.\d+/) });
  });

  it("is unknown, not zero, for an unknown model, an unknown price book and unknown usage", () => {
    expect(costOf("anthropic", "no-such-model-at-all", { inputTokens: 1, outputTokens: 1 }, at)).toBeUndefined();
    expect(costOf("no-such-book", "claude-haiku-4-5", { inputTokens: 1, outputTokens: 1 }, at)).toBeUndefined();
    expect(costOf("anthropic", "claude-haiku-4-5", { inputTokens: 1 }, at)).toBeUndefined();
    expect(costOf("anthropic", "claude-haiku-4-5", {}, at)).toBeUndefined();
  });

  it("is zero for a call that used nothing", () => {
    expect(costOf("anthropic", "claude-haiku-4-5", { inputTokens: 0, outputTokens: 0 }, at)?.nanoUsd).toBe(0n);
  });

  it("is lower for input that was read from the cache", () => {
    const plain = costOf("anthropic", "claude-haiku-4-5", { inputTokens: 10_000, outputTokens: 1 }, at)?.nanoUsd ?? 0n;
    const cached = costOf(
      "anthropic",
      "claude-haiku-4-5",
      { inputTokens: 10_000, outputTokens: 1, cacheReadTokens: 9_000 },
      at,
    );
    expect(cached?.nanoUsd).toBeLessThan(plain);
    expect(cached?.nanoUsd).toBeGreaterThan(0n);
  });

  it("counts writes to a cache that keeps for an hour, and sound, at their own prices", () => {
    const cost = (model: string, usage: Usage, book = "anthropic") => costOf(book, model, usage, at)?.nanoUsd;
    const written = { inputTokens: 1_000_000, outputTokens: 0, cacheWriteTokens: 1_000_000 };
    expect(cost("claude-haiku-4-5", written)).toBe(1_250_000_000n);
    expect(cost("claude-haiku-4-5", { ...written, cacheWriteHourTokens: 400_000 })).toBe(1_550_000_000n);
    const heard = { inputTokens: 1_000_000, outputTokens: 0, audioInputTokens: 1_000_000 };
    expect(cost("gpt-4o-transcribe", heard, "openai")).toBe(6_000_000_000n);
    const said = { inputTokens: 0, outputTokens: 1_000_000, audioOutputTokens: 500_000 };
    expect(cost("gpt-audio", said, "openai")).toBe(37_000_000_000n);
  });

  it("is unknown where the book cannot tell how much of the sound was cached", () => {
    const usage = { inputTokens: 1_000, outputTokens: 1, audioInputTokens: 500, cacheReadTokens: 200 };
    expect(costOf("google", "gemini-2.5-flash", usage, at)).toBeUndefined();
    expect(costOf("google", "gemini-2.5-flash", { ...usage, cacheReadTokens: 0 }, at)?.nanoUsd).toBeGreaterThan(0n);
  });

  it("never throws, whatever a provider states as usage", () => {
    const count = fc.oneof(fc.integer(), fc.double(), fc.constant(undefined));
    const usage = fc.record({
      inputTokens: count,
      outputTokens: count,
      cacheReadTokens: count,
      cacheWriteTokens: count,
    });
    fc.assert(
      fc.property(usage, (stated) => {
        const known = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
        const cost = costOf("anthropic", "claude-haiku-4-5", known, at);
        if (cost !== undefined) expect(cost.nanoUsd).toBeGreaterThanOrEqual(0n);
      }),
      { numRuns: 500 },
    );
  });
});
