import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import type { Deployment } from "../../../src/config/deployment.ts";
import { hasKey, lack, schemasOf, unableWords } from "../../../src/intake/ability.ts";
import { providers } from "../../../src/provider/registry.ts";
import { type Body, promptBody } from "../../../src/request/body.ts";

const configOf = (environment: Readonly<Record<string, string>>) =>
  loadConfig(Object.values(providers), "/nowhere", environment);
const config = configOf({ OPENAI_API_KEY: "k" });

const deployment = (id: string, info?: Deployment["info"]): Deployment => {
  const [provider = "", model = ""] = id.split("/");
  return { id, provider, model, pool: `${provider}.other`, priceBook: provider, info };
};
const plain = { group: "g", accepts: [], abilities: [] };
const speech: Body = { operation: "speech", model: "m", text: "Hello" };
const looking: Body = {
  model: "m",
  messages: [{ role: "user", content: [{ type: "image", source: { url: "https://example.com/a.png" } }] }],
};

describe("what a deployment lacks", () => {
  it("is what its model lacks, where that is known", () => {
    expect(lack(deployment("openai/old", plain), looking, 10)).toBe("takes no image");
  });

  it("is what its provider does not offer, where the model is not known", () => {
    expect(lack(deployment("anthropic/new"), speech, 10)).toBe("is of a provider that offers no speech");
    expect(lack(deployment("anthropic/new"), looking, 10)).toBeUndefined();
  });

  it("is nothing where neither is known", () => {
    expect(lack(deployment("nobody/new"), speech, 10)).toBeUndefined();
  });
});

describe("the words for a request that nobody on its route can do", () => {
  it("name every deployment with its lack", () => {
    const words = unableWords(config, looking, 10, [deployment("a/1", plain), deployment("b/2", plain)]);
    expect(words).toMatch(/^a\/1 takes no image; b\/2 takes no image\. /);
  });

  it("name a model that could, of a provider with a key here", () => {
    const words = unableWords(config, promptBody("m", "Hi"), 10, []);
    const [, named = ""] = /(\S+) could\.$/.exec(words) ?? [];
    expect(named).toMatch(/^openai\//);
  });

  it("say so where there is none", () => {
    expect(unableWords(configOf({}), promptBody("m", "Hi"), 10, [])).toContain("No model with a key here could.");
  });
});

describe("a key", () => {
  it("is had where its variable is set", () => {
    expect([hasKey(config, "openai"), hasKey(config, "anthropic"), hasKey(config, "nobody")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("the schemas of a body", () => {
  it("are those of its tools and of its answer, and none of other operations", () => {
    const [tool, answer] = [{ type: "object" }, { type: "array" }];
    const body: Body = {
      ...promptBody("m", "Hi"),
      tools: [{ name: "look", parameters: tool }],
      responseFormat: { type: "json-schema", schema: answer },
    };
    expect(schemasOf(body)).toEqual([tool, answer]);
    expect(schemasOf(promptBody("m", "Hi"))).toEqual([]);
    expect(schemasOf(speech)).toEqual([]);
  });
});
