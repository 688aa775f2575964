import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { providerEntries } from "../../../src/config/models.ts";
import { type Dimension, limitOf } from "../../../src/config/pool.ts";
import { buildPools } from "../../../src/config/pools.ts";
import { groupsOf } from "../../../src/config/provider-entry.ts";

const pools = (file: object = {}, environment: Readonly<Record<string, string>> = {}) =>
  buildPools(readEnvironment(environment), settingsFileSchema.parse(file));
const limit = (built: ReturnType<typeof pools>, id: string, dimension: Dimension) =>
  built.get(id)?.limits.find((candidate) => candidate.dimension === dimension);

describe("by default", () => {
  const unset = { fixed: false, timeZone: "UTC" };

  it("Anthropic has a bucket each of requests, input and output, and charges output as it is produced", () => {
    expect(pools().get("anthropic.haiku")).toEqual({
      id: "anthropic.haiku",
      provider: "anthropic",
      limits: [
        { dimension: "requests", mode: "bucket", limit: 50, burstSeconds: 6, ...unset },
        { dimension: "inputTokens", mode: "bucket", limit: undefined, burstSeconds: 60, ...unset },
        { dimension: "outputTokens", mode: "bucket", limit: undefined, burstSeconds: 60, ...unset },
      ],
      concurrency: undefined,
      charge: {
        input: "exact",
        cacheReads: "free",
        output: "produced",
        outputWeight: 1,
        refund: "end",
        rejectsCount: false,
      },
      jitterMs: 50,
    });
  });

  it("OpenAI has a bucket of requests and one of all tokens, and charges max_tokens up front, refused or not", () => {
    expect(pools().get("openai.gpt-5")).toEqual({
      id: "openai.gpt-5",
      provider: "openai",
      limits: [
        { dimension: "requests", mode: "bucket", limit: 50, burstSeconds: 6, ...unset },
        { dimension: "tokens", mode: "bucket", limit: undefined, burstSeconds: 60, ...unset },
      ],
      concurrency: undefined,
      charge: {
        input: "estimated",
        cacheReads: "counted",
        output: "reserved",
        outputWeight: 1,
        refund: "none",
        rejectsCount: true,
      },
      jitterMs: 50,
    });
  });

  it("Gemini counts requests and input in windows it does not document, and requests a day, Pacific time", () => {
    const pacific = { fixed: false, timeZone: "America/Los_Angeles" };
    expect(pools().get("gemini.other")).toEqual({
      id: "gemini.other",
      provider: "gemini",
      limits: [
        { dimension: "requests", mode: "sliding", limit: 60, burstSeconds: 6, ...pacific },
        { dimension: "inputTokens", mode: "sliding", limit: undefined, burstSeconds: 60, ...pacific },
        { dimension: "requestsPerDay", mode: "day", limit: undefined, burstSeconds: 60, ...pacific },
      ],
      concurrency: undefined,
      charge: {
        input: "exact",
        cacheReads: "counted",
        output: "produced",
        outputWeight: 1,
        refund: "end",
        rejectsCount: true,
      },
      jitterMs: 50,
    });
  });

  it("there is a pool for every group of models and for others, with an id that is fit for a queue", () => {
    const built = pools();
    for (const entry of providerEntries) {
      for (const group of groupsOf(entry)) expect(built.has(`${entry.id}.${group}`)).toBe(true);
    }
    for (const id of built.keys()) expect(id).not.toContain(":");
  });
});

describe("a limit", () => {
  it("is said by the pool, else by the environment, else for the provider, and is fixed then", () => {
    const file = {
      providers: { anthropic: { requestsPerMinute: 7, concurrency: 3 } },
      pools: { "anthropic.opus": { requestsPerMinute: 1 } },
    };
    expect(limit(pools(file), "anthropic.haiku", "requests")).toMatchObject({ limit: 7, fixed: true });
    const both = pools(file, { CLAUDE_RPM: "99" });
    expect(limit(both, "anthropic.haiku", "requests")).toMatchObject({ limit: 99, fixed: true });
    expect(limit(both, "anthropic.opus", "requests")).toMatchObject({ limit: 1, fixed: true });
    expect(limit(both, "openai.gpt-5", "requests")).toMatchObject({ limit: 50, fixed: false });
    for (const id of ["anthropic.haiku", "anthropic.opus"]) expect(both.get(id)?.concurrency).toBe(3);
  });

  it("of tokens is known once it is set, and counted as before", () => {
    const built = pools({ providers: { anthropic: { outputTokensPerMinute: 8_000 } } });
    expect(limit(built, "anthropic.sonnet", "outputTokens")).toMatchObject({
      limit: 8_000,
      fixed: true,
      mode: "bucket",
    });
  });

  it("that the provider has not by itself is added, in a window of unknown phase or by the day", () => {
    const built = pools({
      providers: { openai: { inputTokensPerMinute: 9, tokensPerDay: 10, timeZone: "Asia/Tokyo" } },
    });
    expect(limit(built, "openai.other", "inputTokens")).toMatchObject({ limit: 9, mode: "sliding" });
    expect(limit(built, "openai.other", "tokensPerDay")).toMatchObject({ mode: "day", timeZone: "Asia/Tokyo" });
  });

  it("that is null is none, for a provider or for one pool, unless someone nearer names a number", () => {
    const file = {
      providers: { gemini: { requestsPerDay: null, requestsPerMinute: null } },
      pools: { "gemini.other": { inputTokensPerMinute: null, requestsPerDay: 5 } },
    };
    const names = (id: string, environment = {}) =>
      pools(file, environment)
        .get(id)
        ?.limits.map(({ dimension }) => dimension);
    expect(names("gemini.gemini-3.8-flash")).toEqual(["inputTokens"]);
    expect(names("gemini.other")).toEqual(["requestsPerDay"]);
    expect(names("gemini.other", { GEMINI_RPM: "3" })).toEqual(["requests", "requestsPerDay"]);
  });

  it("of calls at once is learned again where a pool says null", () => {
    const file = { providers: { openai: { concurrency: 4 } }, pools: { "openai.gpt-5": { concurrency: null } } };
    expect(pools(file).get("openai.gpt-5")?.concurrency).toBeUndefined();
    expect(pools(file).get("openai.other")?.concurrency).toBe(4);
  });

  it("is found by its dimension, and an absent one is not known", () => {
    const pool = pools().get("openai.other");
    expect(pool && [limitOf(pool, "requests"), limitOf(pool, "tokens"), limitOf(pool, "outputTokens")]).toEqual([
      50,
      undefined,
      undefined,
    ]);
  });
});

describe("how a pool is counted and charged", () => {
  it("is said key by key: by the pool, else for the provider, else as the provider does", () => {
    const built = pools({
      providers: {
        anthropic: {
          modes: { requests: "second", inputTokens: "minute" },
          burstSeconds: 30,
          charge: { outputWeight: 5 },
          jitterMs: 9,
        },
      },
      pools: {
        "anthropic.opus": {
          modes: { requests: "bucket" },
          burstSeconds: { outputTokens: 2 },
          charge: { refund: "none" },
          jitterMs: 0,
        },
      },
    });
    const counted = (id: string) => built.get(id)?.limits.map(({ mode, burstSeconds }) => [mode, burstSeconds]);
    expect(counted("anthropic.haiku")).toEqual([
      ["second", 30],
      ["minute", 30],
      ["bucket", 30],
    ]);
    expect(counted("anthropic.opus")).toEqual([
      ["bucket", 30],
      ["minute", 30],
      ["bucket", 2],
    ]);
    expect(built.get("anthropic.haiku")?.charge).toMatchObject({ outputWeight: 5, refund: "end", cacheReads: "free" });
    expect(built.get("anthropic.opus")?.charge).toMatchObject({ outputWeight: 5, refund: "none", cacheReads: "free" });
    expect([built.get("anthropic.haiku")?.jitterMs, built.get("anthropic.opus")?.jitterMs]).toEqual([9, 0]);
  });
});
