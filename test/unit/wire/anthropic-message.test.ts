import { describe, expect, it } from "vitest";
import { anthropicMessage } from "../../../producers/wire/anthropic-message.ts";
import { readAnthropicMessages } from "../../../producers/wire/anthropic-messages.ts";
import type { AssistantPart } from "../../../src/request/parts.ts";
import type { FinishReason, Result } from "../../../src/request/result.ts";
import type { Usage } from "../../../src/request/usage.ts";

const result = (parts?: AssistantPart[], finish: FinishReason = { unified: "stop", raw: "stop" }): Result => ({
  text: "Hello",
  ...(parts === undefined ? {} : { parts }),
  finish,
  provider: "p",
  model: "vendor-model",
  deployment: "p/vendor-model",
});
const message = (answer: Result, usage: Usage = {}) => anthropicMessage({ id: "7", result: answer, usage });

describe("an answer on Anthropic's wire", () => {
  it("is a message", () => {
    const usage = { inputTokens: 100, outputTokens: 5, cacheReadTokens: 60, cacheWriteTokens: 30, reasoningTokens: 2 };
    expect(message(result(), usage)).toMatchObject({
      id: "msg_7",
      type: "message",
      role: "assistant",
      model: "vendor-model",
      content: [{ type: "text", text: "Hello", citations: null }],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 60,
        cache_creation_input_tokens: 30,
        output_tokens: 5,
        output_tokens_details: { thinking_tokens: 2 },
      },
    });
  });

  it("does not count what is unknown", () => {
    expect(message(result())).toMatchObject({ usage: { input_tokens: null, output_tokens: null } });
  });

  it("is understood as it is when it comes back", () => {
    const parts: AssistantPart[] = [
      { type: "reasoning", text: "Hm", provider: "anthropic", signature: "seal" },
      { type: "reasoning", text: "", provider: "anthropic", signature: "redacted:cipher" },
      { type: "reasoning", text: "Ho", provider: "openai", signature: "x:y" },
      { type: "reasoning", text: "Plain" },
      { type: "text", text: "Hello" },
      { type: "tool-call", id: "a", name: "look", input: { at: 1 }, signature: "s" },
    ];
    const said = { role: "assistant", ...message(result(parts)) };
    const content = "content" in said ? said.content : undefined;

    const back = readAnthropicMessages(
      {
        model: "m",
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content },
        ],
      },
      "",
    );

    expect(back).toMatchObject({
      ok: true,
      value: { messages: [{ role: "user" }, { role: "assistant", content: parts }] },
    });
  });

  it.each([
    ["stop", "stop", "end_turn"],
    ["stop", "stop_sequence", "stop_sequence"],
    ["length", "MAX_TOKENS", "max_tokens"],
    ["tool-calls", "tool_calls", "tool_use"],
    ["content-filter", "SAFETY", "refusal"],
    ["other", "odd", "end_turn"],
    ["other", "pause_turn", "pause_turn"],
  ] as const)("that ended by %s (%s) says %s", (unified, raw, reason) => {
    expect(message(result(undefined, { unified, raw }))).toMatchObject({ stop_reason: reason });
  });
});
