import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";

const text = readFileSync("examples/millrace.yaml", "utf8");
const example = settingsFileSchema.parse(parse(text));

it("examples/millrace.yaml says what holds without it", () => {
  const usual = settingsFileSchema.parse({});
  const { providers: _ofProviders, primaryProvider, ...rest } = example;
  expect({ providers: {}, ...rest }).toEqual(usual);
  const [said, unsaid] = [example, usual].map((file) => buildCatalog(readEnvironment({}), file));
  expect(said?.pools).toEqual(unsaid?.pools);
  expect(said?.route("default")).toEqual(unsaid?.route("default"));
  expect(primaryProvider).toBe(said?.route("default")?.deployments[0]?.provider);
});

it("examples/millrace.yaml names every key", () => {
  const keys = keysOf(z.toJSONSchema(settingsFileSchema, { io: "input" }));
  expect(keys).toEqual(expect.arrayContaining(["tokensPerDay", "outputWeight", "maxWaitMs", "coolDownMs"]));
  expect(keys.filter((key) => !new RegExp(`\\b${key}:`).test(text))).toEqual([]);
});

it("what examples/millrace.yaml shows in comments may be said as it stands", () => {
  const uncommented = text.replace(
    /^( *)# ?( *[A-Za-z][\w.]*(?:\/[\w.-]+)?: ?(?:\d+|\[.*\]|\{.*\}|https:\S+)?)$/gm,
    "$1$2",
  );
  const spoken = parse(uncommented.replace(/^(pools|models|prices|retention): \{\}$/gm, "$1:"));
  expect(spoken).toMatchObject({
    fallbackChain: ["anthropic", "openai", "gemini"],
    providers: {
      anthropic: { concurrency: 50 },
      openai: { tokensPerDay: 2_000_000 },
      gemini: { requestsPerDay: 1_500 },
    },
    pools: { "anthropic.haiku": { concurrency: 100 } },
    models: { patient: { attempts: { total: 8 } } },
    prices: { "deepgram/nova-3": { usdPerMinute: 0.0043 } },
    backlog: { maxOpen: 2_000_000, maxOpenPerTenant: 500_000 },
    retention: { payloadsDays: 30, resultsDays: 90, logsDays: 365 },
  });
  const built = buildCatalog(readEnvironment({}), settingsFileSchema.parse(spoken));
  expect(built.route("patient")?.maxWaitMs).toBe(60_000);
  expect(built.deployment("deepgram/nova-3")?.unitPrice).toEqual({ nanoUsdPerMinute: 4_300_000 });
});

function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, inner]) => [
    ...(name === "properties" ? Object.keys(inner) : []),
    ...keysOf(inner),
  ]);
}
