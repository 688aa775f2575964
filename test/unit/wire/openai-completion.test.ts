import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMessages } from "../../../producers/wire/messages.ts";
import { messageOf, openaiBody } from "../../../producers/wire/openai-completion.ts";
import type { AssistantPart } from "../../../src/request/parts.ts";
import type { Result } from "../../../src/request/result.ts";
import type { Usage } from "../../../src/request/usage.ts";

const result = (more: Partial<Result>): Result => ({
  text: "",
  finish: { unified: "stop", raw: "end_turn" },
  provider: "p",
  model: "m",
  deployment: "p/m",
  ...more,
});
const bodyOf = (more: Partial<Result>, usage: Usage = {}) =>
  openaiBody({ id: "1", createdSeconds: 7, result: result(more), usage });

describe("an answer on OpenAI's wire", () => {
  it("holds calls of tools and what was thought", () => {
    const parts: AssistantPart[] = [
      { type: "reasoning", text: "Hm.", signature: "seal", provider: "p" },
      { type: "tool-call", id: "a", name: "look", input: { at: 1 } },
    ];
    expect(bodyOf({ parts, finish: { unified: "tool-calls", raw: "tool_use" } })).toMatchObject({
      choices: [
        {
          message: {
            role: "assistant",
            content: null,
            refusal: null,
            reasoning_content: "Hm.",
            reasoning_parts: [{ text: "Hm.", signature: "seal", provider: "p" }],
            tool_calls: [{ id: "a", type: "function", function: { name: "look", arguments: '{"at":1}' } }],
          },
          finish_reason: "tool_calls",
        },
      ],
    });
  });

  it("says a refusal where OpenAI says it", () => {
    expect(bodyOf({ text: "No.", finish: { unified: "content-filter", raw: "refusal" } })).toMatchObject({
      choices: [{ message: { content: null, refusal: "No." }, finish_reason: "stop" }],
    });
    expect(bodyOf({ text: "Half", finish: { unified: "content-filter", raw: "SAFETY" } })).toMatchObject({
      choices: [{ message: { content: "Half", refusal: null }, finish_reason: "content_filter" }],
    });
  });

  it("tells usage in full, and nothing that is unknown", () => {
    const usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 3, audioInputTokens: 0 };
    expect(bodyOf({}, usage)).toMatchObject({
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    });
    expect(bodyOf({}, { inputTokens: 10 })).toMatchObject({ usage: null });
  });

  it("is a list of vectors where texts were embedded", () => {
    expect(bodyOf({ embeddings: [[1, 2], [3]] }, { inputTokens: 4 })).toEqual({
      object: "list",
      data: [
        { object: "embedding", index: 0, embedding: [1, 2] },
        { object: "embedding", index: 1, embedding: [3] },
      ],
      model: "m",
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
    expect(bodyOf({ embeddings: [] })).toMatchObject({ usage: null });
  });

  it("is the next turn's history as it stands", () => {
    const text = fc.string({ minLength: 1 });
    const reasoning = fc.record(
      { type: fc.constant("reasoning" as const), text, signature: text, provider: text },
      { requiredKeys: ["type", "text"] },
    );
    const call = fc.record(
      {
        type: fc.constant("tool-call" as const),
        id: text,
        name: text,
        input: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
        signature: text,
      },
      { requiredKeys: ["type", "id", "name", "input"] },
    );
    fc.assert(
      fc.property(
        fc.array(reasoning, { maxLength: 2 }),
        text,
        fc.array(call, { maxLength: 3 }),
        (thoughts, said, calls) => {
          const parts: AssistantPart[] = [...thoughts, { type: "text", text: said }, ...calls];
          const message = JSON.parse(JSON.stringify(messageOf(result({ text: said, parts }))));
          expect(readMessages([message], "messages")).toEqual({
            ok: true,
            value: { system: [], messages: [{ role: "assistant", content: parts }] },
          });
        },
      ),
    );
  });
});
