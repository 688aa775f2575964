import { describe, expect, it } from "vitest";
import type { ModelInfo } from "../../../src/config/provider-entry.ts";
import { type Body, type ChatBody, chatSchema } from "../../../src/request/body.ts";
import type { Part } from "../../../src/request/parts.ts";
import { lackOf } from "../../../src/routing/capability.ts";

const plain: ModelInfo = { group: "g", accepts: [], abilities: [] };
const able: ModelInfo = {
  group: "g",
  accepts: ["image", "audio", "video", "file"],
  abilities: ["tools", "json", "json-schema", "reasoning", "streaming"],
  contextTokens: 1_000,
  outputTokens: 100,
};
const unknown: ModelInfo = { group: "g" };

const source = { url: "https://example.com/a" };
const body = (more: Partial<ChatBody> = {}, ...parts: readonly object[]): ChatBody =>
  chatSchema.parse({
    model: "m",
    messages: [{ role: "user", content: [{ type: "text", text: "Hi" }, ...parts] }],
    ...more,
  });
const part = (type: Part["type"]) => body({}, { type, source });
const tools = [{ name: "look", parameters: { type: "object" } }];

const wishes: readonly (readonly [string, ChatBody, string])[] = [
  ["an image", part("image"), "takes no image"],
  ["sound", part("audio"), "takes no audio"],
  ["a film", part("video"), "takes no video"],
  ["a document", part("file"), "takes no file"],
  ["tools", body({ tools }), "cannot call tools"],
  ["JSON", body({ responseFormat: { type: "json" } }), "has no JSON output"],
  ["a schema", body({ responseFormat: { type: "json-schema", schema: {} } }), "cannot hold to a JSON Schema"],
  ["thoughts", body({ reasoning: { effort: "high" } }), "does not reason"],
  ["thoughts of a length", body({ reasoning: { budgetTokens: 500 } }), "does not reason"],
  ["a stream", body({ stream: true }), "does not stream"],
];

describe("what a model lacks", () => {
  it.each(wishes)("is said of one that cannot do it: %s", (_, wish, words) => {
    expect(lackOf(plain, wish, 10)).toBe(words);
  });

  it.each(wishes)("is nothing of one that can, of one nothing is known of, and of one nobody knows: %s", (_, wish) => {
    for (const info of [able, unknown, undefined]) expect(lackOf(info, wish, 10)).toBeUndefined();
  });

  it("is nothing where a wish is the absence of one", () => {
    const none = {
      reasoning: { effort: "none", budgetTokens: 0 },
      responseFormat: { type: "text" },
      stream: false,
    } as const;
    expect(lackOf(plain, body(none), 10)).toBeUndefined();
  });

  it("is looked for in what tools brought back, too", () => {
    const content = [{ type: "image" as const, source }];
    const turn = { role: "tool" as const, content: [{ type: "tool-result" as const, id: "1", content }] };
    const asked = { ...body(), messages: [...body().messages, turn] };
    expect(lackOf(plain, asked, 10)).toBe("takes no image");
    expect(lackOf(able, asked, 10)).toBeUndefined();
  });

  it("is room for the prompt, where it is certainly too long", () => {
    expect(lackOf(able, body(), 1_250)).toBeUndefined();
    expect(lackOf(able, body(), 1_251)).toBe("takes 1000 tokens, and the prompt has about 1251");
    expect(lackOf(unknown, body(), 10_000_000)).toBeUndefined();
  });

  it("is room for the answer that is asked for", () => {
    expect(lackOf(able, body({ maxOutputTokens: 100 }), 10)).toBeUndefined();
    expect(lackOf(able, body({ maxOutputTokens: 101 }), 10)).toBe("writes at most 100 tokens, and 101 are asked for");
  });

  it("is an operation that its provider does not offer, where the model is not known by name", () => {
    const speech: Body = { operation: "speech", model: "m", text: "Hello" };
    expect(lackOf(undefined, speech, 10, ["chat", "embedding"])).toBe("is of a provider that offers no speech");
    expect(lackOf(undefined, speech, 10, ["speech"])).toBeUndefined();
    expect(lackOf(undefined, speech, 10)).toBeUndefined();
    expect(lackOf({ ...unknown, operation: "speech" }, speech, 10, ["chat"])).toBeUndefined();
  });

  it("is another operation than its own, which is chat unless it says so", () => {
    const embedding: Body = { operation: "embedding", model: "m", input: ["a"] };
    expect(lackOf(unknown, embedding, 10)).toBe("is for chat, not for embedding");
    expect(lackOf({ ...unknown, operation: "embedding" }, embedding, 10)).toBeUndefined();
    expect(lackOf({ ...unknown, operation: "embedding" }, body(), 10)).toBe("is for embedding, not for chat");
  });
});
