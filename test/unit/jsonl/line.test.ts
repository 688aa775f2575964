import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLine } from "../../../producers/jsonl/line.ts";
import { bodySchema } from "../../../src/request/body.ts";

const defaults = { model: undefined, priority: "bulk" } as const;
const read = (value: unknown, given: { model?: string; no?: number; ended?: boolean } = {}) =>
  readLine(
    {
      readable: true,
      no: given.no ?? 1,
      text: typeof value === "string" ? value : JSON.stringify(value),
      ended: given.ended ?? true,
    },
    { ...defaults, model: given.model },
  );
const reasonOf = (value: unknown) => {
  const answer = read(value);
  return answer.ok ? undefined : answer.reason;
};
const bodyOf = (value: unknown) => {
  const answer = read(value);
  if (!answer.ok) throw new Error(answer.reason);
  return answer.value.body;
};

const user = { role: "user", content: "Hello" };
const turn = (role: string, ...texts: string[]) => ({ role, content: texts.map((text) => ({ type: "text", text })) });
const openai = (body: object, frame: object = {}) => ({
  custom_id: "a",
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "gpt-5-mini", messages: [user], ...body },
  ...frame,
});

describe("an OpenAI line", () => {
  it("becomes a body of ours", () => {
    const line = openai({
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "developer",
          content: [
            { type: "text", text: "In " },
            { type: "text", text: "English." },
          ],
        },
        { role: "user", name: "ana", content: [{ type: "text", text: "Hello" }] },
        { role: "assistant", content: "Hi", refusal: null, tool_calls: [] },
        user,
      ],
      max_completion_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      stop: "END",
      seed: 7,
    });
    expect(read(line)).toEqual({
      ok: true,
      value: {
        customId: "a",
        shape: "openai",
        priority: "bulk",
        body: {
          model: "gpt-5-mini",
          system: "Be brief.\n\nIn English.",
          messages: [turn("user", "Hello"), turn("assistant", "Hi"), turn("user", "Hello")],
          maxOutputTokens: 50,
          temperature: 0.5,
          topP: 0.9,
          stop: ["END"],
          seed: 7,
        },
      },
    });
  });

  it("may hold fields that change nothing", () => {
    const harmless = {
      store: true,
      service_tier: "flex",
      n: 1,
      stream: false,
      stream_options: null,
      logprobs: false,
      top_logprobs: null,
      tools: [],
      tool_choice: "none",
      parallel_tool_calls: true,
      response_format: { type: "text" },
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: {},
      modalities: ["text"],
      temperature: null,
      max_tokens: null,
      stop: [],
    };
    expect(bodyOf(openai(harmless))).toEqual(bodyOf(openai({})));
  });

  it.each([
    ["n", 2],
    ["stream", true],
    ["logprobs", true],
    ["verbosity", "low"],
    ["functions", [{ name: "f" }]],
    ["web_search_options", { user_location: {} }],
    ["audio", { voice: "x" }],
    ["modalities", ["text", "audio"]],
    ["made_up", 1],
  ])("is refused for %s, by name", (field, value) => {
    expect(reasonOf(openai({ [field]: value }))).toContain(`body.${field}`);
  });

  it.each([
    [
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      "body.messages[0].content[0]",
    ],
    [{ messages: [{ role: "tool", content: "x", tool_call_id: "t" }] }, 'body.messages[0] answers the call "t"'],
    [
      { messages: [user, { role: "assistant", content: null, tool_calls: [{ id: "t" }] }] },
      "body.messages[1].tool_calls",
    ],
    [{ messages: [{ role: "robot", content: "x" }] }, "body.messages[0].role"],
    [{ messages: [{ role: "user", content: null }] }, "body.messages[0].content is missing"],
    [{ messages: [{ role: "system", content: "x" }] }, "body.messages holds no user message"],
    [{ messages: [] }, "body.messages holds no user message"],
    [{ messages: undefined }, "body.messages is missing"],
    [{ temperature: 3 }, "body.temperature must be at most 2"],
    [{ max_tokens: 0 }, "body.max_tokens must be at least 1"],
    [{ max_tokens: "many" }, "body.max_tokens must be a number"],
    [{ stop: ["a", ""] }, "body.stop[1] must be at least 1 character long"],
    [{ model: "" }, "body.model must be at least 1"],
  ])("is refused with the place: %j", (body, reason) => {
    expect(reasonOf(openai(body))).toContain(reason);
  });

  it.each([
    [{ custom_id: undefined }, "custom_id is missing"],
    [{ custom_id: 7 }, "custom_id must be a string"],
    [{ custom_id: "" }, "custom_id must be at least 1"],
    [{ custom_id: "a\u0000b" }, "custom_id must not hold control characters"],
    [{ custom_id: "x".repeat(513) }, "custom_id must be at most 512"],
    [{ method: "GET" }, 'method must be "POST"'],
    [{ url: "/v1/moderations" }, 'url must be one of "/v1/chat/completions", "/v1/responses", "/v1/embeddings"'],
    [{ body: undefined }, "body is missing"],
    [{ extra: 1 }, 'unknown field "extra"'],
  ])("has a strict frame (%#)", (frame, reason) => {
    expect(reasonOf(openai({}, frame))).toContain(reason);
  });

  it("takes its model from the command where it names none", () => {
    const line = openai({ model: undefined });
    expect(read(line, { model: "gpt-5" })).toMatchObject({ ok: true, value: { body: { model: "gpt-5" } } });
    expect(reasonOf(line)).toContain("body.model is missing");
  });
});

describe("a plain line", () => {
  it("needs no more than a prompt", () => {
    expect(read({ prompt: "Hello" }, { no: 12 })).toEqual({
      ok: true,
      value: {
        customId: "line-12",
        shape: "plain",
        priority: "bulk",
        body: { model: "default", messages: [turn("user", "Hello")] },
      },
    });
  });

  it("may say everything itself", () => {
    const line = {
      id: 42,
      messages: [{ role: "system", content: "B" }, user],
      system: "A",
      model: "openai/gpt-5-mini",
      priority: "interactive",
      max_tokens: 9,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      stop: ["x", "y"],
      seed: 1,
      metadata: { mine: true },
    };
    expect(read(line, { model: "gpt-5" })).toEqual({
      ok: true,
      value: {
        customId: "42",
        shape: "plain",
        priority: "interactive",
        body: {
          model: "openai/gpt-5-mini",
          system: "A\n\nB",
          messages: [turn("user", "Hello")],
          maxOutputTokens: 9,
          temperature: 0,
          topP: 0.5,
          topK: 3,
          stop: ["x", "y"],
          seed: 1,
          metadata: { mine: "true" },
        },
      },
    });
  });

  it.each([
    [{ question: "q", answer: "a" }, 'has only "question", "answer"; a line needs "prompt" or "messages"'],
    [{}, "is an empty object"],
    [{ prompt: "a", messages: [user] }, 'has both "prompt" and "messages"'],
    [{ prompt: "" }, "prompt is empty"],
    [{ prompt: ["a"] }, "prompt must be a string"],
    [{ prompt: "a", priority: "urgent" }, "priority must be one of interactive, standard, bulk"],
    [{ prompt: "a", colour: "red" }, 'unknown field "colour"'],
    [{ prompt: "a", id: 1.5 }, "id must be a text of 1 to 512 characters"],
    [{ prompt: "a", model: "openai/\u0000" }, "model must not hold control characters"],
    [{ messages: "hello" }, "messages must be a list"],
  ])("is refused: %j", (line, reason) => {
    expect(reasonOf(line)).toContain(reason);
  });
});

describe("any line", () => {
  it.each([
    ["[1]", "is a JSON list"],
    ["3", "is a number"],
    ["null", "is null"],
    ['"text"', "is a string"],
    ["{'prompt': 1}", "is not JSON"],
  ])("must be one JSON object: %s", (text, reason) => {
    expect(reasonOf(text)).toContain(reason);
  });

  it("that the file ends in is said to be cut off, unless it is whole", () => {
    expect(read('{"prompt": "Hel', { ended: false })).toMatchObject({ ok: false, reason: /cut off/ });
    expect(read('{"prompt": "Hello"}', { ended: false })).toMatchObject({ ok: true });
  });

  it("is a body that can be stored, or a reason in one line of words", () => {
    const key = fc.constantFrom(
      "prompt",
      "messages",
      "id",
      "model",
      "system",
      "stop",
      "custom_id",
      "method",
      "url",
      "body",
      "max_tokens",
    );
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(key, fc.jsonValue()), fc.jsonValue()), (value) => {
        const answer = read(value);
        if (answer.ok) expect(bodySchema.parse(answer.value.body)).toEqual(answer.value.body);
        else expect(answer.reason).toMatch(/^[^\n]+$/);
      }),
      { numRuns: 300 },
    );
  });
});
