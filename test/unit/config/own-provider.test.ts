import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";

const own = { like: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" };
const catalog = (providers: object, environment = {}) =>
  buildCatalog(readEnvironment(environment), settingsFileSchema.parse({ providers }));

describe("a provider of one's own", () => {
  it("is named like any other, with any model, in a pool of its own", () => {
    const built = catalog({ "my-vllm": { ...own, concurrency: 8 } }, { MY_VLLM_RPM: "30" });
    expect(built.deployment("my-vllm/llama/3")).toMatchObject({ provider: "my-vllm", model: "llama/3" });
    expect(built.pools.get("my-vllm.other")).toMatchObject({
      concurrency: 8,
      limits: [{ dimension: "requests", limit: 30 }, { dimension: "tokens" }],
    });
    expect(built.ownProviders).toMatchObject([{ id: "my-vllm", baseUrl: own.baseUrl }]);
  });

  it.each([
    ["a name that is taken", { openai: own }, "providers.openai.like: openai is a provider of its own"],
    ["no address", { mine: { like: own.like } }, "providers.mine.baseUrl: is missing"],
    ["a name that no variable can have", { "My Own": own }, "providers.My Own: a name has small letters"],
    ["a key for one that is not its own", { openai: { apiKeyVariable: "X" } }, "providers.openai.apiKeyVariable: only"],
    ["a name without a wire", { mine: {} }, "providers.mine: no such provider; one of your own needs like"],
  ])("is refused with %s", (_what, providers, words) => {
    expect(() => catalog(providers)).toThrow(words);
  });
});

it("an address of one's own with a login in it is refused, unquoted", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace own-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const mine = { ...own, baseUrl: "http://me:planted@127.0.0.1:8000/v1" };
  writeFileSync(join(folder, "millrace.json"), JSON.stringify({ providers: { mine } }));
  const load = () => loadConfig([], folder, {});
  expect(load).toThrow("The base URL of mine (baseUrl of the settings file) has a login in it");
  expect(load).not.toThrow("planted");
});
