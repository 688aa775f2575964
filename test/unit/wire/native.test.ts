import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNative } from "../../../producers/wire/native.ts";
import { bodySchema } from "../../../src/request/body.ts";

const read = (value: object) => readNative(value, "", "default");
const reasonOf = (value: object) => {
  const body = read(value);
  return body.ok ? undefined : body.reason;
};

describe("a request on a surface of Millrace's own", () => {
  it("may say everything that the schema knows", () => {
    const body = read({
      operation: "chat",
      model: "m",
      prompt: "Hello",
      system: [{ type: "text", text: "Rules", cache: "1h" }],
      tools: [{ name: "a", parameters: { type: "object" }, cache: "5m" }],
      tool_choice: { name: "a" },
      parallel_tool_calls: true,
      response_format: { type: "json-schema", schema: { type: "object" } },
      max_output_tokens: 9,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      presence_penalty: 1,
      frequency_penalty: 1,
      stop: ["x"],
      seed: 1,
      reasoning: { effort: "low", budget_tokens: 100 },
      safety: [{ category: "c", threshold: "t" }],
      cache: "5m",
      stream: true,
      metadata: { a: "b", n: 1 },
      conversation_id: "c",
      user_id: "u",
      provider_options: { openai: { service_tier: "flex", maxThings: 1 } },
    });
    expect(body).toEqual({
      ok: true,
      value: {
        model: "m",
        messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
        system: [{ type: "text", text: "Rules", cache: "1h" }],
        tools: [{ name: "a", parameters: { type: "object" }, cache: "5m" }],
        toolChoice: { name: "a" },
        parallelToolCalls: true,
        responseFormat: { type: "json-schema", schema: { type: "object" } },
        maxOutputTokens: 9,
        temperature: 0,
        topP: 0.5,
        topK: 3,
        presencePenalty: 1,
        frequencyPenalty: 1,
        stop: ["x"],
        seed: 1,
        reasoning: { effort: "low", budgetTokens: 100 },
        safety: [{ category: "c", threshold: "t" }],
        cache: "5m",
        stream: true,
        metadata: { a: "b", n: "1" },
        conversationId: "c",
        userId: "u",
        providerOptions: { openai: { service_tier: "flex", maxThings: 1 } },
      },
    });
  });

  it.each([
    [
      { operation: "embedding", model: "m", input: "a", dimensions: 2 },
      { operation: "embedding", model: "m", input: ["a"], dimensions: 2 },
    ],
    [
      {
        operation: "transcription",
        source: { url: "https://example.com/a.mp3" },
        language: "de",
        diarize: true,
        smart_format: true,
        vocabulary: ["Bonn"],
        user_id: "u",
      },
      {
        operation: "transcription",
        model: "default",
        source: { url: "https://example.com/a.mp3" },
        language: "de",
        diarize: true,
        smartFormat: true,
        vocabulary: ["Bonn"],
        userId: "u",
      },
    ],
    [
      { operation: "speech", text: "Hi", voice: "v", format: "mp3", language: "en", speed: 1.5, stream: true },
      {
        operation: "speech",
        model: "default",
        text: "Hi",
        voice: "v",
        format: "mp3",
        language: "en",
        speed: 1.5,
        stream: true,
      },
    ],
  ])("may ask for another operation: %j", (asked, body) => {
    expect(read(asked)).toEqual({ ok: true, value: body });
  });

  it.each([
    [{ operation: "painting" }, "operation must be one of chat, embedding, transcription, speech"],
    [{ operation: "embedding", prompt: "x", input: "a" }, 'unknown field "prompt"'],
    [{ operation: "transcription" }, "source is missing"],
    [{ operation: "speech", text: "x", speed: 9 }, "speed must be at most 4"],
    [{ prompt: "x", reasoning: { effort: "very" } }, "reasoning.effort must be one of none"],
    [{ prompt: "x", safety: [{ category: "c" }] }, "safety[0].threshold is missing"],
    [{ prompt: "x", provider_options: { openai: 1 } }, "provider_options.openai must be an object"],
    [{ prompt: "x", system: [] }, "system must be at least 1 item long"],
    [{ prompt: "x", system: 3 }, "system must be a string or a list"],
    [{ prompt: "x", tools: [{ name: "a", parameters: 1 }] }, "tools[0].parameters must be an object"],
  ])("is refused with the place: %j", (asked, reason) => {
    expect(reasonOf(asked)).toContain(reason);
  });

  it("is a body that can be stored, or a reason in one line of words", () => {
    const part = fc.record(
      {
        type: fc.constantFrom(
          "text",
          "image",
          "image_url",
          "file",
          "input_audio",
          "tool-call",
          "tool-result",
          "reasoning",
        ),
        text: fc.string(),
        source: fc.oneof(fc.constant({ url: "https://example.com/a" }), fc.jsonValue()),
        image_url: fc.oneof(fc.constant({ url: "data:image/png;base64,AAAA" }), fc.jsonValue()),
        id: fc.string(),
        name: fc.string(),
        input: fc.jsonValue(),
        content: fc.jsonValue(),
        cache_control: fc.oneof(fc.constant({ type: "ephemeral" }), fc.jsonValue()),
      },
      { requiredKeys: ["type"] },
    );
    const turn = fc.record({
      role: fc.constantFrom("user", "assistant", "tool", "system", "robot"),
      content: fc.oneof(fc.string(), fc.array(part, { maxLength: 3 })),
    });
    const fields = fc.dictionary(
      fc.constantFrom("tools", "tool_choice", "response_format", "reasoning", "safety", "metadata", "provider_options"),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 3 }), fields, (messages, more) => {
        const body = read({ messages, ...more });
        if (body.ok) expect(bodySchema.parse(body.value)).toEqual(body.value);
        else expect(body.reason).toMatch(/^[^\n]+$/);
      }),
      { numRuns: 300 },
    );
  });
});
