import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { anthropic } from "../../../src/config/providers/anthropic.ts";
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
          info: anthropic.models["claude-haiku-4-5"],
        },
      ],
      maxWaitMs: 10_000,
    });
  });

  it("that is a vendor's other name of a model leads to what is known of it, and is sent as it stands", () => {
    const known = anthropic.models["claude-haiku-4-5"];
    for (const [alias] of [known?.aliases ?? []]) {
      expect(catalog().route(`anthropic/${alias}`)?.deployments).toMatchObject([
        { model: alias, pool: "anthropic.haiku", info: known },
      ]);
    }
    expect(known?.aliases).toHaveLength(1);
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

  it("may say how long a request waits before it moves on; else all routes wait alike", () => {
    const smart = ["gemini/gemini-3.5-flash", "anthropic/claude-opus-5-5"];
    const file = { fallback: { maxWaitMs: 5 }, models: { smart: { deployments: smart, maxWaitMs: 0 }, plain: smart } };
    expect(routeOf(catalog(file), "smart")).toEqual(smart);
    expect(catalog(file).route("smart")?.maxWaitMs).toBe(0);
    for (const model of ["plain", "default", "gpt-5"]) expect(catalog(file).route(model)?.maxWaitMs).toBe(5);
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
    ["a model with more to say", { models: { m: { deployments: ["openai/gpt-5", "nobody/x"] } } }, {}],
  ])("is refused when %s names what does not exist", (_where, file, environment) => {
    expect(() => catalog(file, environment)).toThrow(SettingsError);
    expect(() => catalog(file, environment)).toThrow("nobody");
  });
});
