import { describe, expect, it } from "vitest";
import { readAnthropicMessages } from "../../../producers/wire/anthropic-messages.ts";
import { chatSchema } from "../../../src/request/body.ts";

const user = (content: unknown) => ({ role: "user", content });
const mark = { type: "ephemeral" };
const citing = {
  type: "document",
  source: { type: "text", media_type: "text/plain", data: "x" },
  citations: { enabled: true },
};
const body = { model: "m", max_tokens: 9, messages: [user("Hello")] };

function taken(value: Readonly<Record<string, unknown>>) {
  const got = readAnthropicMessages(value, "");
  if (!got.ok) throw new Error(got.reason);
  return chatSchema.parse(got.value);
}

function reasonOf(value: Readonly<Record<string, unknown>>): string {
  const got = readAnthropicMessages(value, "");
  if (got.ok) throw new Error("was taken");
  return got.reason;
}

describe("a body of Anthropic's wire", () => {
  it("is taken with everything that has a place", () => {
    const parameters = { type: "object", properties: { at: { type: "string" } } };
    const got = taken({
      ...body,
      system: [{ type: "text", text: "Be brief", cache_control: { ...mark, ttl: "1h" } }],
      tools: [{ name: "look", description: "Looks", input_schema: parameters, cache_control: mark }],
      tool_choice: { type: "any", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2_000 },
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      stop_sequences: ["END"],
      metadata: { user_id: "u" },
      output_config: { format: { type: "json_schema", schema: { type: "object" } } },
      service_tier: "auto",
    });

    expect(got).toEqual({
      model: "m",
      system: [{ type: "text", text: "Be brief", cache: "1h" }],
      messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
      tools: [{ name: "look", description: "Looks", parameters, cache: "5m" }],
      toolChoice: "required",
      parallelToolCalls: false,
      reasoning: { budgetTokens: 2_000 },
      responseFormat: { type: "json-schema", schema: { type: "object" } },
      maxOutputTokens: 9,
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      stop: ["END"],
      userId: "u",
    });
  });

  it("may hold images and documents", () => {
    const got = taken({
      ...body,
      messages: [
        user([
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          { type: "image", source: { type: "url", url: "https://x.test/a.png" }, cache_control: mark },
          { type: "document", title: "t.pdf", source: { type: "base64", media_type: "application/pdf", data: "AAAA" } },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "Hä" } },
        ]),
      ],
    });

    expect(got.messages[0]?.content).toEqual([
      { type: "image", source: { data: "AAAA", mediaType: "image/png" } },
      { type: "image", source: { url: "https://x.test/a.png" }, cache: "5m" },
      { type: "file", name: "t.pdf", source: { data: "AAAA", mediaType: "application/pdf" } },
      { type: "file", source: { data: Buffer.from("Hä").toString("base64"), mediaType: "text/plain" } },
    ]);
  });

  it("sets results of tools apart from what the user says, with the names of their tools", () => {
    const got = taken({
      ...body,
      messages: [
        user("Look"),
        { role: "assistant", content: [{ type: "tool_use", id: "a", name: "look", input: { at: 1 } }] },
        user([
          { type: "tool_result", tool_use_id: "a", content: [{ type: "text", text: "seen" }], is_error: true },
          { type: "text", text: "Well?" },
        ]),
        { role: "system", content: "Later words" },
      ],
    });

    expect(got.system).toBe("Later words");
    expect(got.messages.slice(1)).toEqual([
      { role: "assistant", content: [{ type: "tool-call", id: "a", name: "look", input: { at: 1 } }] },
      {
        role: "tool",
        content: [
          { type: "tool-result", id: "a", name: "look", isError: true, content: [{ type: "text", text: "seen" }] },
        ],
      },
      { role: "user", content: [{ type: "text", text: "Well?" }] },
    ]);
  });

  it("says by its seal who had a thought", () => {
    const thought = (signature: string) => ({ type: "thinking", thinking: "Hm", signature });
    const blocks = [thought("seal"), thought("openai:a:b"), thought("grok:"), thought("")];
    const hidden = { type: "redacted_thinking", data: "cipher" };
    const got = taken({ ...body, messages: [user("x"), { role: "assistant", content: [...blocks, hidden] }] });

    expect(got.messages[1]?.content).toEqual([
      { type: "reasoning", text: "Hm", provider: "anthropic", signature: "seal" },
      { type: "reasoning", text: "Hm", provider: "openai", signature: "a:b" },
      { type: "reasoning", text: "Hm", provider: "grok" },
      { type: "reasoning", text: "Hm" },
      { type: "reasoning", text: "", provider: "anthropic", signature: "redacted:cipher" },
    ]);
  });

  it.each([
    [{ type: "adaptive" }, undefined, { effort: "high" }],
    [{ type: "adaptive" }, "low", { effort: "low" }],
    [{ type: "disabled" }, undefined, { effort: "none" }],
    [{ type: "between_tools" }, undefined, { effort: "none" }],
    [undefined, "medium", { effort: "medium" }],
    [undefined, undefined, undefined],
  ])("thinks as %j with effort %s says", (thinking, effort, reasoning) => {
    const output = effort === undefined ? {} : { output_config: { effort } };
    expect(taken({ ...body, ...(thinking === undefined ? {} : { thinking }), ...output }).reasoning).toEqual(reasoning);
  });

  it.each([
    ["container", { container: "c" }],
    ["mcp_servers", { mcp_servers: [{ type: "url", url: "https://x.test", name: "x" }] }],
    ["context_management", { context_management: { edits: [] } }],
    ["speed", { speed: "fast" }],
    ['tools[0].type "web_search_20260209"', { tools: [{ type: "web_search_20260209", name: "web_search" }] }],
    ["messages[0].content[0].type", { messages: [user([{ type: "server_tool_use", id: "a", name: "x", input: {} }])] }],
    ["file_id", { messages: [user([{ type: "image", source: { type: "file", file_id: "f" } }])] }],
    ["citations.enabled", { messages: [user([citing])] }],
    ['the tool_use "b"', { messages: [user([{ type: "tool_result", tool_use_id: "b" }])] }],
    ["unknown field", { novel: 1 }],
    ["max_tokens", { max_tokens: 0 }],
    ["tool_choice", { tool_choice: { type: "tool", name: "absent" } }],
    ["output_config.effort", { output_config: { effort: "max" } }],
    ["messages[0].role", { messages: [{ role: "tool", content: "x" }] }],
    ["stream", { stream: true }],
  ])("is refused by name where it cannot be honoured: %s", (name, field) => {
    expect(reasonOf({ ...body, ...field })).toContain(name);
  });
});
