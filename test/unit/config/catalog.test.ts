import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { providerEntries } from "../../../src/config/models.ts";
import { SettingsError } from "../../../src/config/settings-error.ts";

const catalog = (file: object = {}, environment: Readonly<Record<string, string>> = {}) =>
  buildCatalog(readEnvironment(environment), settingsFileSchema.parse(file));
const routeOf = (built: ReturnType<typeof catalog>, model: string) =>
  built.route(model)?.deployments.map((deployment) => deployment.id);

describe("a model name", () => {
  it("of a vendor leads to that vendor", () => {
    expect(catalog().route("claude-haiku-4-5")).toEqual({
      model: "claude-haiku-4-5",
      deployments: [
        {
          id: "anthropic/claude-haiku-4-5",
          provider: "anthropic",
          model: "claude-haiku-4-5",
          pool: "anthropic.haiku",
          priceBook: "anthropic",
        },
      ],
    });
  });

  it("with its provider passes through, known or not, with slashes of its own", () => {
    expect(catalog().route("openai/some-new-model")?.deployments[0]).toMatchObject({
      model: "some-new-model",
      pool: "openai.other",
    });
    expect(catalog().route("openai/team/model")?.deployments[0]?.model).toBe("team/model");
  });

  it.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "is never taken for a part of the language: %s",
    (word) => {
      expect(catalog().route(word)).toBeUndefined();
      expect(catalog().route(`anthropic/${word}`)?.deployments[0]?.pool).toBe("anthropic.other");
      expect(catalog().route(`${word}/x`)).toBeUndefined();
    },
  );

  it.each(["no-such-model", "", "anthropic/", "/x", "nobody/x"])("that nobody offers has no route: '%s'", (model) => {
    expect(catalog().route(model)).toBeUndefined();
  });

  it("always leads into a pool that exists", () => {
    const built = catalog({ models: { mine: ["gemini/x", "openai/gpt-5"] } }, { FALLBACK_CHAIN: "openai,gemini" });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(...built.models),
          fc.string().map((word) => `openai/${word}`),
        ),
        (model) => {
          for (const deployment of built.route(model)?.deployments ?? []) {
            expect(built.pools.get(deployment.pool)?.provider).toBe(deployment.provider);
            expect(built.deployment(deployment.id)).toEqual(deployment);
          }
        },
      ),
    );
  });
});

describe("a route", () => {
  it("is one deployment as long as no chain is set", () => {
    expect(routeOf(catalog(), "default")).toEqual(["anthropic/claude-haiku-4-5"]);
  });

  it("stands in with the default models of the chain, the primary provider first, never with its own provider", () => {
    const built = catalog({}, { PRIMARY_PROVIDER: "openai", FALLBACK_CHAIN: "gemini,anthropic" });
    expect(routeOf(built, "default")).toEqual([
      "openai/gpt-5-mini",
      "gemini/gemini-3.8-flash",
      "anthropic/claude-haiku-4-5",
    ]);
    expect(routeOf(built, "claude-opus-5-5")).toEqual([
      "anthropic/claude-opus-5-5",
      "openai/gpt-5-mini",
      "gemini/gemini-3.8-flash",
    ]);
  });

  it("of your own goes exactly where you said", () => {
    const file = { models: { smart: ["gemini/gemini-3.5-flash", "anthropic/claude-opus-5-5"] } };
    expect(routeOf(catalog(file, { FALLBACK_CHAIN: "openai" }), "smart")).toEqual(file.models.smart);
    expect(catalog(file).models).toContain("smart");
  });

  it("comes from the environment before the file", () => {
    const file = { primaryProvider: "gemini", fallbackChain: ["openai"] };
    expect(routeOf(catalog(file), "default")).toEqual(["gemini/gemini-3.8-flash", "openai/gpt-5-mini"]);
    expect(routeOf(catalog(file, { PRIMARY_PROVIDER: "anthropic" }), "default")?.[0]).toBe(
      "anthropic/claude-haiku-4-5",
    );
  });

  it.each([
    ["PRIMARY_PROVIDER", {}, { PRIMARY_PROVIDER: "nobody" }],
    ["FALLBACK_CHAIN", {}, { FALLBACK_CHAIN: "openai,nobody" }],
    ["a pool", { pools: { "nobody.x": { concurrency: 1 } } }, {}],
    ["a provider", { providers: { nobody: { concurrency: 1 } } }, {}],
    ["a model", { models: { m: ["nobody/x"] } }, {}],
  ])("is refused when %s names what does not exist", (_where, file, environment) => {
    expect(() => catalog(file, environment)).toThrow(SettingsError);
    expect(() => catalog(file, environment)).toThrow("nobody");
  });
});

describe("the limits of a pool", () => {
  it("are the provider's defaults unless something is said", () => {
    expect(catalog().pools.get("anthropic.haiku")).toEqual({
      id: "anthropic.haiku",
      provider: "anthropic",
      requestsPerMinute: 50,
      concurrency: 50,
    });
  });

  it("are said by the pool, else by the environment, else for the provider", () => {
    const file = {
      providers: { anthropic: { requestsPerMinute: 7, concurrency: 3 } },
      pools: { "anthropic.opus": { requestsPerMinute: 1 } },
    };
    expect(catalog(file).pools.get("anthropic.haiku")).toMatchObject({ requestsPerMinute: 7, concurrency: 3 });
    const both = catalog(file, { CLAUDE_RPM: "99" }).pools;
    expect(both.get("anthropic.haiku")).toMatchObject({ requestsPerMinute: 99, concurrency: 3 });
    expect(both.get("anthropic.opus")).toMatchObject({ requestsPerMinute: 1, concurrency: 3 });
  });

  it("are there for every group of models and for others, with an id that is fit for a queue", () => {
    const { pools } = catalog();
    for (const entry of providerEntries) {
      for (const group of [...Object.values(entry.models), "other"])
        expect(pools.has(`${entry.id}.${group}`)).toBe(true);
    }
    for (const id of pools.keys()) expect(id).not.toContain(":");
  });
});
