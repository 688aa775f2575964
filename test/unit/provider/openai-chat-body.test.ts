import { describe, expect, it } from "vitest";
import { chatBody } from "../../../src/provider/adapters/openai/chat-body.ts";
import { chatProblem } from "../../../src/provider/adapters/openai/chat-problem.ts";
import { type Dialect, openaiDialect, usualDialect } from "../../../src/provider/adapters/openai/dialect.ts";
import { profiles } from "../../../src/provider/adapters/openai/profiles.ts";
import type { ChatBody } from "../../../src/request/body.ts";
import type { UserPart } from "../../../src/request/parts.ts";

const text = (words: string) => ({ type: "text" as const, text: words });
const body = (more: Partial<ChatBody> = {}): ChatBody => ({
  model: "m",
  messages: [{ role: "user", content: [text("Hi")] }],
  ...more,
});
const sent = (more: Partial<ChatBody>, dialect: Dialect = openaiDialect, stream = false) =>
  chatBody({ model: "m", body: body(more), stream, defaultMaxOutputTokens: 512 }, dialect);
const userOf = (...content: UserPart[]): Partial<ChatBody> => ({ messages: [{ role: "user", content }] });
const dialectOf = (id: string): Dialect => {
  const profile = profiles.find((candidate) => candidate.id === id);
  return { ...usualDialect, ...profile?.dialect, provider: id, name: profile?.name ?? id };
};

const image = { type: "image" as const, source: { data: "AAAA", mediaType: "image/png" }, detail: "low" as const };
const pdf = { type: "file" as const, source: { data: "JVBE", mediaType: "application/pdf" } };
const sound = { type: "audio" as const, source: { data: "SUQz", mediaType: "audio/mpeg" } };
const film = { type: "video" as const, source: { url: "https://example.com/a.mp4" } };

describe("a body for chat completions", () => {
  it("has every medium in its place", () => {
    const named = { ...pdf, name: "deed.pdf" };
    const address = { type: "image" as const, source: { url: "https://example.com/a.png" } };
    expect(sent(userOf(text("Look"), image, address, sound, pdf, named))).toEqual({
      model: "m",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Look" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
            { type: "input_audio", input_audio: { data: "SUQz", format: "mp3" } },
            { type: "file", file: { filename: "document.pdf", file_data: "data:application/pdf;base64,JVBE" } },
            { type: "file", file: { filename: "deed.pdf", file_data: "data:application/pdf;base64,JVBE" } },
          ],
        },
      ],
    });
  });

  it("has tools, their calls and what they brought", () => {
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const found = sent({
      system: [{ ...text("Be brief."), cache: "1h" }, text("Be kind.")],
      messages: [
        { role: "user", content: [text("Rain?")] },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm.", provider: "openai" },
            { type: "tool-call", id: "c1", name: "weather", input: { city: "Bern" } },
          ],
        },
        { role: "tool", content: [{ type: "tool-result", id: "c1", content: [text("Rain."), text("12 °C.")] }] },
      ],
      tools: [{ name: "weather", description: "Of a place.", parameters, strict: true, cache: "5m" }],
      toolChoice: { name: "weather" },
      parallelToolCalls: false,
    });
    expect(found).toEqual({
      model: "m",
      messages: [
        { role: "system", content: "Be brief.\n\nBe kind." },
        { role: "user", content: "Rain?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Bern"}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: [text("Rain."), text("12 °C.")] },
      ],
      tools: [
        { type: "function", function: { name: "weather", description: "Of a place.", parameters, strict: true } },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
    });
  });

  it("has form, sampling, effort and user, and nothing for hints that have no place there", () => {
    const schema = { type: "object" };
    const wishes: Partial<ChatBody> = {
      responseFormat: { type: "json-schema", schema, strict: true },
      maxOutputTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 4,
      presencePenalty: 1,
      frequencyPenalty: -1,
      seed: 3,
      stop: ["x"],
      reasoning: { effort: "high", budgetTokens: 100 },
      safety: [{ category: "c", threshold: "t" }],
      cache: "1h",
      userId: "u",
      metadata: { a: "b" },
    };
    const { messages, ...rest } = sent(wishes, openaiDialect, true);
    expect(messages).toHaveLength(1);
    expect(rest).toEqual({
      model: "m",
      response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
      max_completion_tokens: 9,
      temperature: 0,
      top_p: 0.5,
      presence_penalty: 1,
      frequency_penalty: -1,
      seed: 3,
      stop: ["x"],
      reasoning_effort: "high",
      safety_identifier: "u",
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it("puts a provider's own options last, untouched, and nobody else's", () => {
    const providerOptions = { openai: { service_tier: "flex", seed: 1 }, grok: { search_parameters: {} } };
    expect(sent({ seed: 3, providerOptions })).toMatchObject({ service_tier: "flex", seed: 1 });
    expect(sent({ providerOptions })).not.toHaveProperty("search_parameters");
  });
});

describe("a dialect", () => {
  it.each([
    ["groq", { max_completion_tokens: 9, seed: 3, tool_choice: "required", reasoning_effort: "low", user: "u" }],
    ["mistral", { max_tokens: 9, random_seed: 3, tool_choice: "any", reasoning_effort: "low", user: undefined }],
    ["deepseek", { max_tokens: 9, thinking: { type: "enabled" }, parallel_tool_calls: undefined, user: undefined }],
    ["kimi", { thinking: { type: "enabled" }, reasoning_effort: undefined }],
    ["qwen", { enable_thinking: true, thinking_budget: 50 }],
    ["openrouter", { reasoning: { effort: "low", max_tokens: 50 }, user: "u" }],
  ])("of %s renames what it must", (id, expected) => {
    const wishes: Partial<ChatBody> = {
      maxOutputTokens: 9,
      seed: 3,
      toolChoice: "required",
      parallelToolCalls: true,
      reasoning: { effort: "low", budgetTokens: 50 },
      userId: "u",
    };
    const found = sent(wishes, dialectOf(id));
    for (const [field, value] of Object.entries(expected)) expect(found[field], field).toEqual(value);
  });

  it("does not ask Mistral for the usage of a stream", () => {
    expect(sent({}, dialectOf("mistral"), true)).not.toHaveProperty("stream_options");
    expect(sent({}, dialectOf("mistral"), true)).toMatchObject({ stream: true });
  });

  it("turns thinking off where the effort is none", () => {
    const none: Partial<ChatBody> = { reasoning: { effort: "none" } };
    expect(sent(none, dialectOf("deepseek"))).toMatchObject({ thinking: { type: "disabled" } });
    expect(sent(none, dialectOf("qwen"))).toMatchObject({ enable_thinking: false });
    expect(sent(none, dialectOf("groq"))).toMatchObject({ reasoning_effort: "none" });
  });

  it("puts a schema into the system prompt where there is no field for it", () => {
    const responseFormat = { type: "json-schema" as const, schema: { type: "object", title: "Mill" } };
    const found = sent({ system: "Be brief.", responseFormat }, dialectOf("deepseek"));
    expect(found).toMatchObject({ response_format: { type: "json_object" } });
    expect(JSON.stringify(found.messages)).toMatch(/Be brief\..*JSON Schema.*Mill/);
  });

  it("sends reasoning back to who thought it, and to nobody else", () => {
    const messages: ChatBody["messages"] = [
      { role: "user", content: [text("Hi")] },
      { role: "assistant", content: [{ type: "reasoning", text: "Hm.", provider: "deepseek" }, text("Yes.")] },
    ];
    expect(sent({ messages }, dialectOf("deepseek")).messages).toMatchObject([
      {},
      { content: "Yes.", reasoning_content: "Hm." },
    ]);
    expect(JSON.stringify(sent({ messages }, dialectOf("kimi")))).not.toContain("Hm.");
    expect(JSON.stringify(sent({ messages }))).not.toContain("Hm.");
  });
});

describe("what a wire cannot carry", () => {
  const s3 = { type: "image" as const, source: { url: "s3://bucket/a.png" } };
  it.each([
    ["openai", film, "OpenAI takes no video in a message"],
    [
      "openai",
      { ...pdf, source: { url: "https://example.com/a.pdf" } },
      "OpenAI takes a file as data, not by its address",
    ],
    [
      "openai",
      { ...sound, source: { data: "AA", mediaType: "audio/flac" } },
      "OpenAI takes audio as mp3 or wav, not as flac",
    ],
    ["openai", s3, "OpenAI fetches an image from http or https only"],
    ["mistral", pdf, "Mistral takes a file by its address only"],
    ["deepseek", image, "DeepSeek takes no image in a message"],
    [
      "ollama",
      { ...image, source: { url: "https://example.com/a.png" } },
      "Ollama takes an image as data, not by its address",
    ],
  ] as const)("is named: %s %#", (id, part, problem) => {
    expect(chatProblem(body(userOf(text("Look"), part)), id === "openai" ? openaiDialect : dialectOf(id))).toBe(
      problem,
    );
  });

  it("is a picture in the result of a tool", () => {
    const messages: ChatBody["messages"] = [
      { role: "tool", content: [{ type: "tool-result", id: "c", content: [text("See"), image] }] },
    ];
    expect(chatProblem(body({ messages }), openaiDialect)).toBe(
      "OpenAI takes only text as the result of a tool, not an image",
    );
  });

  it("is nothing where all of it goes", () => {
    expect(chatProblem(body(userOf(text("Look"), image, sound, pdf)), openaiDialect)).toBeUndefined();
    expect(chatProblem(body(userOf(film)), dialectOf("openrouter"))).toBeUndefined();
  });
});
