import { describe, expect, it } from "vitest";
import { retryableKinds } from "../../../src/config/attempt-policy.ts";
import { buildCatalog } from "../../../src/config/catalog.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { settingsFileSchema } from "../../../src/config/file.ts";

const catalog = (file: object) => buildCatalog(readEnvironment({}), settingsFileSchema.parse(file));

describe("the attempts of a call", () => {
  it("are the usual ones unless something is said", () => {
    const usual = {
      perDeployment: 3,
      total: 6,
      schemaRetries: 2,
      baseMs: 500,
      capMs: 30_000,
      retryOn: [...retryableKinds],
    };
    expect(catalog({}).policyFor("default", "anthropic")).toEqual(usual);
  });

  it("are said key by key: by the route, else by the provider, else for all", () => {
    const { policyFor } = catalog({
      attempts: { perDeployment: 2, total: 9, baseMs: 10 },
      providers: { openai: { attempts: { perDeployment: 4, retryOn: ["network"] } } },
      models: {
        smart: { deployments: ["openai/gpt-5", "gemini/x"], attempts: { perDeployment: 1, total: 2 } },
        plain: ["openai/gpt-5"],
      },
    });
    const forAll = {
      perDeployment: 2,
      total: 9,
      schemaRetries: 2,
      baseMs: 10,
      capMs: 30_000,
      retryOn: [...retryableKinds],
    };
    expect(policyFor("gpt-5", "gemini")).toEqual(forAll);
    const ofProvider = { ...forAll, perDeployment: 4, retryOn: ["network"] };
    expect(policyFor("gpt-5", "openai")).toEqual(ofProvider);
    expect(policyFor("plain", "openai")).toEqual(ofProvider);
    expect(policyFor("smart", "openai")).toEqual({ ...ofProvider, perDeployment: 1, total: 2 });
    expect(policyFor("smart", "gemini")).toEqual({ ...forAll, perDeployment: 1, total: 2 });
  });

  it.each(["constructor", "__proto__", "toString"])("never come from a part of the language: %s", (word) => {
    const { policyFor } = catalog({ providers: { openai: { attempts: { perDeployment: 4 } } } });
    expect(policyFor(word, word)).toEqual(policyFor("default", "anthropic"));
  });

  it("may be none on the same deployment after any failure", () => {
    expect(catalog({ attempts: { retryOn: [] } }).policyFor("default", "openai").retryOn).toEqual([]);
  });
});
