import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { readSettingsFile, settingsFileSchema } from "../../../src/config/file.ts";
import { type PoolSettings, poolSettingsSchema } from "../../../src/config/pool-settings.ts";
import { buildPools } from "../../../src/config/pools.ts";
import { SettingsError } from "../../../src/config/settings-error.ts";

const read = (settings: object) => {
  const folder = mkdtempSync(join(tmpdir(), "millrace pools-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "millrace.json"), JSON.stringify(settings));
  return buildPools(readEnvironment({}), readSettingsFile(folder));
};
const message = (settings: object): string => {
  try {
    read(settings);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return "";
};

describe("settings of a pool that cannot be meant", () => {
  it.each<[string, object, string]>([
    [
      "a key that is misspelled",
      { requestPerMinute: 1 },
      ": unknown: requestPerMinute; possible: requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute, tokensPerMinute, requestsPerDay, tokensPerDay, concurrency, modes, burstSeconds, timeZone, charge, jitterMs",
    ],
    ["a limit of nothing", { tokensPerMinute: 0 }, ".tokensPerMinute: Too small: expected number to be >=1"],
    ["a limit below nothing", { requestsPerDay: -1 }, ".requestsPerDay: Too small: expected number to be >=1"],
    ["half a call", { concurrency: 1.5 }, ".concurrency: Invalid input: expected int"],
    ["a limit in words", { tokensPerDay: "many" }, ".tokensPerDay: Invalid input: expected number, received string"],
    [
      "a mode that does not exist",
      { modes: { requests: "hour" } },
      ".modes.requests: possible: bucket, minute, second, sliding",
    ],
    [
      "tokens by the second",
      { modes: { outputTokens: "second" } },
      ".modes.outputTokens: only requests can be limited by the second; possible: bucket, minute, sliding",
    ],
    [
      "a minute's limit by the day",
      { modes: { requests: "day" } },
      ".modes.requests: only requestsPerDay and tokensPerDay are counted by the day, and they always are; possible: bucket",
    ],
    [
      "a mode of a daily limit",
      { modes: { requestsPerDay: "day" } },
      ".modes: unknown: requestsPerDay; possible: requests, inputTokens, outputTokens, tokens",
    ],
    ["a burst of nothing", { burstSeconds: 0 }, ".burstSeconds: Too small: expected number to be >0"],
    ["a burst below nothing", { burstSeconds: { requests: -1 } }, ".burstSeconds.requests: Too small"],
    [
      "a burst by the day",
      { burstSeconds: { tokensPerDay: 3 } },
      ".burstSeconds: unknown: tokensPerDay; possible: requests, inputTokens, outputTokens, tokens",
    ],
    ["a burst in words", { burstSeconds: "long" }, ".burstSeconds: Invalid input: expected number, received string"],
    [
      "a time zone that does not exist",
      { timeZone: "Mars/Olympus" },
      '.timeZone: "Mars/Olympus" is no time zone; possible: names such as UTC, America/Los_Angeles',
    ],
    ["output that costs less than it is", { charge: { outputWeight: 0.5 } }, ".charge.outputWeight: Too small"],
    [
      "a charge that does not exist",
      { charge: { output: "guessed" } },
      '.charge.output: Invalid option: expected one of "produced"|"reserved"|"larger"',
    ],
    [
      "a charge that is misspelled",
      { charge: { outputWheight: 5 } },
      ".charge: unknown: outputWheight; possible: input, cacheReads, output, outputWeight, refund, rejectsCount",
    ],
    ["a jitter below nothing", { jitterMs: -1 }, ".jitterMs: Too small: expected number to be >=0"],
  ])("is refused with the place and what is possible: %s", (_what, settings, words) => {
    expect(message({ pools: { "gemini.other": settings } })).toContain(`  pools.gemini.other${words}`);
    expect(message({ providers: { gemini: settings } })).toContain(`  providers.gemini${words}`);
  });

  it.each<[string, string, object, string]>([
    [
      "a burst where there is no bucket",
      "gemini",
      { burstSeconds: 5 },
      "burstSeconds: only a bucket has a burst, and none of these limits is one",
    ],
    [
      "a burst of a limit that is no bucket",
      "gemini",
      { burstSeconds: { requests: 5 } },
      "burstSeconds.requests: only a bucket has a burst; set modes.requests: bucket",
    ],
    [
      "a burst of a bucket that was made a window",
      "openai",
      { modes: { tokens: "minute" }, burstSeconds: { tokens: 5 } },
      "burstSeconds.tokens: only a bucket",
    ],
    [
      "a burst of a limit that is not there",
      "openai",
      { burstSeconds: { outputTokens: 5 } },
      "burstSeconds.outputTokens: there is no such limit here; set outputTokensPerMinute as well",
    ],
    [
      "a mode of a limit that is not there",
      "openai",
      { modes: { inputTokens: "minute" } },
      "modes.inputTokens: there is no such limit here; set inputTokensPerMinute as well",
    ],
    [
      "a mode of a limit that was taken away",
      "anthropic",
      { requestsPerMinute: null, modes: { requests: "minute" } },
      "modes.requests: there is no such limit here; set requestsPerMinute as well",
    ],
    [
      "a time zone without a daily limit",
      "anthropic",
      { timeZone: "UTC" },
      "timeZone: only daily limits have one; set requestsPerDay or tokensPerDay",
    ],
  ])("is refused when it would do nothing: %s", (_what, provider, settings, words) => {
    expect(message({ providers: { [provider]: settings } })).toContain(`  providers.${provider}.${words}`);
    expect(message({ pools: { [`${provider}.other`]: settings } })).toContain(`  pools.${provider}.other.${words}`);
  });

  it("is refused all at once", () => {
    const said = message({
      pools: { "openai.nano": {}, "gemini.other": { burstSeconds: 1 } },
      providers: { acme: {} },
    });
    expect(said).toContain(
      "providers.acme: no such provider; one of your own needs like and baseUrl; possible: anthropic, openai, gemini",
    );
    expect(said).toContain("pools.openai.nano: no such pool; possible: anthropic.opus, ");
    expect(said).toContain("pools.gemini.other.burstSeconds");
  });
});

describe("settings of a pool", () => {
  it("may count tokens together and apart", () => {
    const both = { tokensPerMinute: 9, inputTokensPerMinute: 8, outputTokensPerMinute: 7 };
    expect(read({ providers: { openai: both } }).get("openai.other")?.limits).toHaveLength(4);
  });

  it("may say for a provider what matters to one of its pools only", () => {
    const file = {
      providers: { openai: { modes: { outputTokens: "bucket" }, burstSeconds: { outputTokens: 3 }, timeZone: "UTC" } },
      pools: { "openai.gpt-5": { outputTokensPerMinute: 5, requestsPerDay: 9 } },
    };
    expect(read(file).get("openai.gpt-5")?.limits).toContainEqual({
      dimension: "outputTokens",
      mode: "bucket",
      limit: 5,
      fixed: true,
      burstSeconds: 3,
      timeZone: "UTC",
    });
  });

  it("that are valid build pools with positive limits and ids that are fit for a queue", () => {
    const settings = settingsArbitrary();
    const file = fc.record({
      providers: fc.dictionary(fc.constantFrom("anthropic", "openai", "gemini"), settings),
      pools: fc.dictionary(fc.constantFrom("anthropic.opus", "openai.other", "gemini.gemini-2.5-flash"), settings),
    });
    const rpm = fc.option(fc.integer({ min: 1, max: 10_000_000 }).map(String), { nil: undefined });
    let built = 0;
    fc.assert(
      fc.property(file, rpm, (said, OPENAI_RPM) => {
        const parsed = settingsFileSchema.parse(said);
        let pools: ReturnType<typeof buildPools>;
        try {
          pools = buildPools(readEnvironment({ OPENAI_RPM }), parsed);
        } catch (error) {
          // Well formed, but without effect: tested above.
          expect(error).toBeInstanceOf(SettingsError);
          return;
        }
        built += 1;
        for (const [id, pool] of pools) {
          expect(id).toMatch(/^[^:]+$/);
          expect(pool.id).toBe(id);
          expect(pool.concurrency ?? 1).toBeGreaterThan(0);
          expect(pool.charge.outputWeight).toBeGreaterThanOrEqual(1);
          expect(pool.jitterMs).toBeGreaterThanOrEqual(0);
          expect(new Set(pool.limits.map(({ dimension }) => dimension)).size).toBe(pool.limits.length);
          for (const { dimension, mode, limit, fixed, burstSeconds } of pool.limits) {
            expect(limit ?? 1).toBeGreaterThan(0);
            expect(fixed && limit === undefined).toBe(false);
            expect(burstSeconds).toBeGreaterThan(0);
            expect(mode === "day").toBe(dimension.endsWith("PerDay"));
            if (mode === "second") expect(dimension).toBe("requests");
          }
        }
      }),
      // Most that is drawn has no effect somewhere.
      { examples: [[{ providers: {}, pools: {} }, undefined]] },
    );
    expect(built).toBeGreaterThan(0);
  });
});

function settingsArbitrary(): fc.Arbitrary<PoolSettings> {
  const limit = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
  const seconds = fc.double({ min: 0.001, max: 86_400, noNaN: true });
  const some = <T extends object>(keys: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
    fc.record(keys, { requiredKeys: [] });
  const tokensMode = fc.constantFrom("bucket" as const, "minute" as const, "sliding" as const);
  const settings = some({
    requestsPerMinute: limit,
    inputTokensPerMinute: limit,
    outputTokensPerMinute: limit,
    tokensPerMinute: limit,
    requestsPerDay: limit,
    tokensPerDay: limit,
    concurrency: limit,
    modes: some({
      requests: fc.constantFrom("bucket" as const, "minute" as const, "second" as const, "sliding" as const),
      inputTokens: tokensMode,
      outputTokens: tokensMode,
      tokens: tokensMode,
    }),
    burstSeconds: fc.oneof(
      seconds,
      some({ requests: seconds, inputTokens: seconds, outputTokens: seconds, tokens: seconds }),
    ),
    timeZone: fc.constantFrom("UTC", "America/Los_Angeles", "Asia/Kolkata"),
    charge: some({
      input: fc.constantFrom("exact" as const, "estimated" as const),
      outputWeight: fc.double({ min: 1, max: 1_000, noNaN: true }),
      rejectsCount: fc.boolean(),
    }),
    jitterMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  });
  return settings.filter((said) => poolSettingsSchema.safeParse(said).success);
}
