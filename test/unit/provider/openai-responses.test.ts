import { describe, expect, it } from "vitest";
import { openaiDialect } from "../../../src/provider/adapters/openai/dialect.ts";
import { responseBody } from "../../../src/provider/adapters/openai/response-body.ts";
import { responseProblem } from "../../../src/provider/adapters/openai/response-problem.ts";
import { needsResponses } from "../../../src/provider/adapters/openai/response-rule.ts";
import type { ChatBody } from "../../../src/request/body.ts";

const text = (words: string) => ({ type: "text" as const, text: words });
const body = (more: Partial<ChatBody> = {}): ChatBody => ({
  model: "m",
  messages: [{ role: "user", content: [text("Hi")] }],
  ...more,
});
const sent = (more: Partial<ChatBody>, model = "gpt-5-pro", stream = false) =>
  responseBody({ model, body: body(more), stream, defaultMaxOutputTokens: 512 }, openaiDialect);
const tools = [{ name: "weather", parameters: { type: "object" } }];

describe("the Responses API", () => {
  it.each(["gpt-5-pro", "gpt-5.5-pro-2026-04-23", "o3-pro", "gpt-5.3-codex", "codex-mini-latest", "o3-deep-research"])(
    "serves %s, which chat completions do not",
    (model) => {
      expect(needsResponses(model, body())).toBe(true);
    },
  );

  it.each(["gpt-5-mini", "gpt-5.5", "gpt-4o", "o3", "prose-1"])("is not needed for plain questions to %s", (model) => {
    expect(needsResponses(model, body())).toBe(false);
  });

  it.each(["gpt-5.4", "gpt-5.6-sol", "gpt-6-luna"])("is needed for tools and reasoning together by %s", (model) => {
    expect(needsResponses(model, body({ tools }))).toBe(true);
    expect(needsResponses(model, body({ tools, reasoning: { effort: "low" } }))).toBe(true);
    expect(needsResponses(model, body({ tools, reasoning: { effort: "none" } }))).toBe(false);
  });

  it("is not needed for the tools of models before those", () => {
    for (const model of ["gpt-5.1", "gpt-5", "gpt-4.1"]) expect(needsResponses(model, body({ tools }))).toBe(false);
  });

  it("is needed for a file by its address", () => {
    const file = { type: "file" as const, source: { url: "https://example.com/a.pdf" } };
    expect(needsResponses("gpt-4o", body({ messages: [{ role: "user", content: [file] }] }))).toBe(true);
  });
});

describe("a body for the Responses API", () => {
  it("has a conversation as items, and reasoning under its seal", () => {
    const picture = { type: "image" as const, source: { data: "AAAA", mediaType: "image/png" } };
    const address = { type: "file" as const, source: { url: "https://example.com/a.pdf" } };
    const pdf = { type: "file" as const, source: { data: "JVBE", mediaType: "application/pdf" }, name: "a.pdf" };
    const found = sent({
      system: "Be brief.",
      messages: [
        { role: "user", content: [text("Look"), picture, address, pdf] },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm.", provider: "openai", signature: "rs_1:gAAA" },
            { type: "reasoning", text: "Other.", provider: "anthropic", signature: "x" },
            text("Well."),
            { type: "tool-call", id: "c1", name: "weather", input: { city: "Bern" } },
          ],
        },
        { role: "tool", content: [{ type: "tool-result", id: "c1", content: [text("Rain."), picture] }] },
      ],
    });
    expect(found).toMatchObject({
      model: "gpt-5-pro",
      instructions: "Be brief.",
      store: false,
      include: ["reasoning.encrypted_content"],
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Look" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" },
            { type: "input_file", file_url: "https://example.com/a.pdf" },
            { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" },
          ],
        },
        {
          type: "reasoning",
          id: "rs_1",
          encrypted_content: "gAAA",
          summary: [{ type: "summary_text", text: "Hm." }],
        },
        { role: "assistant", content: "Well." },
        { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Bern"}' },
        {
          type: "function_call_output",
          call_id: "c1",
          output: [
            { type: "input_text", text: "Rain." },
            { type: "input_image", image_url: "data:image/png;base64,AAAA" },
          ],
        },
      ],
    });
  });

  it("has tools, form, effort and options in its own words", () => {
    const found = sent(
      {
        tools: [{ name: "weather", parameters: { type: "object" } }],
        toolChoice: { name: "weather" },
        parallelToolCalls: false,
        responseFormat: { type: "json-schema", name: "mill", schema: { type: "object" }, strict: true },
        maxOutputTokens: 9,
        reasoning: { effort: "high" },
        userId: "u",
        topK: 3,
        seed: 4,
        providerOptions: { openai: { reasoning: { effort: "low", summary: "auto" } } },
      },
      "gpt-5.5",
      true,
    );
    expect(found).toMatchObject({
      tools: [{ type: "function", name: "weather", parameters: { type: "object" }, strict: false }],
      tool_choice: { type: "function", name: "weather" },
      parallel_tool_calls: false,
      text: { format: { type: "json_schema", name: "mill", schema: { type: "object" }, strict: true } },
      max_output_tokens: 9,
      safety_identifier: "u",
      stream: true,
      reasoning: { effort: "low", summary: "auto" },
    });
    for (const absent of ["seed", "top_k", "stop", "max_tokens"]) expect(found).not.toHaveProperty(absent);
  });

  it("does not ask models for reasoning that have none", () => {
    expect(sent({}, "gpt-4o")).not.toHaveProperty("include");
  });

  it("cannot carry stop sequences, penalties, sound and film", () => {
    expect(responseProblem(body({ stop: ["x"] }))).toMatch(/stop sequences/);
    expect(responseProblem(body({ presencePenalty: 1 }))).toMatch(/penalties/);
    const audio = { type: "audio" as const, source: { data: "AA", mediaType: "audio/wav" } };
    expect(responseProblem(body({ messages: [{ role: "user", content: [audio] }] }))).toMatch(/takes no audio/);
    const far = { type: "image" as const, source: { url: "gs://bucket/a.png" } };
    expect(responseProblem(body({ messages: [{ role: "user", content: [far] }] }))).toMatch(/http or https/);
    expect(responseProblem(body())).toBeUndefined();
  });
});
