/** What goes out to Anthropic for each field of a request: against the documented shapes of its Messages API. */
import { describe, expect, it } from "vitest";
import { objectionTo } from "../../../src/provider/adapters/anthropic/content.ts";
import { wireBody, wireHeaders } from "../../../src/provider/adapters/anthropic/request.ts";
import { type ChatBody, chatSchema } from "../../../src/request/body.ts";

const hello = [{ role: "user", content: [{ type: "text", text: "Hello" }] }];
const bodyOf = (more: object): ChatBody => chatSchema.parse({ model: "m", messages: hello, ...more });
const sent = (more: object, model = "claude-opus-5") =>
  wireBody({ model, body: bodyOf(more), stream: false, defaultMaxOutputTokens: 512 }, "anthropic");
const headersOf = (more: object) =>
  wireHeaders({ model: "m", body: bodyOf(more), stream: false, defaultMaxOutputTokens: 512 }, "anthropic");
const user = (...content: readonly object[]) => ({ messages: [{ role: "user", content }] });
const png = { data: "iVBORw0KGgo=", mediaType: "image/png" };

describe("messages to Anthropic", () => {
  it("carry images and documents by bytes and by address", () => {
    const { messages } = sent(
      user(
        { type: "image", source: png, detail: "high" },
        { type: "image", source: { url: "https://example.com/a.jpg" } },
        { type: "file", source: { data: "JVBERi0=", mediaType: "application/pdf" }, name: "report.pdf" },
        { type: "file", source: { url: "https://example.com/a.pdf" } },
        { type: "file", source: { data: Buffer.from("Grüße").toString("base64"), mediaType: "text/markdown" } },
      ),
    );
    expect(messages).toEqual([
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
          { type: "image", source: { type: "url", url: "https://example.com/a.jpg" } },
          {
            type: "document",
            source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
            title: "report.pdf",
          },
          { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "Grüße" } },
        ],
      },
    ]);
  });

  it("carry a tool's call and its result, with an image in it", () => {
    const { messages } = sent({
      messages: [
        ...hello,
        { role: "assistant", content: [{ type: "tool-call", id: "toolu_1", name: "look", input: { at: "wheel" } }] },
        {
          role: "tool",
          content: [
            { type: "tool-result", id: "toolu_1", name: "look", content: [{ type: "image", source: png }] },
            { type: "tool-result", id: "toolu_2", content: "no such wheel", isError: true },
          ],
        },
      ],
    });
    expect(messages).toMatchObject([
      {},
      { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "look", input: { at: "wheel" } }] },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "toolu_1",
            content: [{ type: "image", source: { type: "base64", media_type: "image/png" } }],
          },
          { type: "tool_result", tool_use_id: "toolu_2", content: "no such wheel", is_error: true },
        ],
      },
    ]);
  });

  it("give thoughts back as they came, hidden ones too, and none of another provider", () => {
    const thoughts = [
      { type: "reasoning", text: "Hm.", signature: "c2ln", provider: "anthropic" },
      { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy", provider: "anthropic" },
      { type: "reasoning", text: "Theirs.", signature: "c2ln", provider: "openai" },
      { type: "reasoning", text: "Unsealed.", provider: "anthropic" },
      { type: "text", text: "Yes." },
      { type: "text", text: "" },
    ];
    expect(sent({ messages: [...hello, { role: "assistant", content: thoughts }] }).messages).toMatchObject([
      {},
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "c2ln" },
          { type: "redacted_thinking", data: "Y2lwaGVy" },
          { type: "text", text: "Yes." },
        ],
      },
    ]);
  });

  it.each([
    [{ type: "audio", source: { data: "AAAA", mediaType: "audio/wav" } }, "no audio"],
    [{ type: "video", source: { url: "https://example.com/a.mp4" } }, "no video"],
    [{ type: "image", source: { data: "AAAA", mediaType: "image/tiff" } }, "no image of type image/tiff"],
    [{ type: "image", source: { url: "gs://bucket/a.png" } }, "only http and https"],
    [{ type: "file", source: { data: "AAAA", mediaType: "application/zip" } }, "only PDF and text"],
    [{ type: "file", source: { url: "https://example.com/a", mediaType: "text/csv" } }, "send its bytes"],
  ])("cannot carry %j, and say so", (part, words) => {
    expect(objectionTo(bodyOf(user(part)))).toContain(words);
  });

  it("are looked through for what cannot be carried, into the results of tools", () => {
    const inside = { type: "file", source: { data: "AAAA", mediaType: "application/zip" } };
    const messages = [...hello, { role: "tool", content: [{ type: "tool-result", id: "t", content: [inside] }] }];
    expect(objectionTo(bodyOf({ messages }))).toContain("application/zip");
    expect(objectionTo(bodyOf({}))).toBeUndefined();
  });
});

describe("a request to Anthropic", () => {
  const tool = { name: "look", description: "Looks.", parameters: { type: "object" }, strict: true };

  it("carries tools, the choice among them and whether they may run side by side", () => {
    expect(sent({ tools: [tool], toolChoice: { name: "look" }, parallelToolCalls: false })).toMatchObject({
      tools: [{ name: "look", description: "Looks.", input_schema: { type: "object" }, strict: true }],
      tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: true },
    });
    expect(sent({ tools: [tool], parallelToolCalls: false }).tool_choice).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
    const choices = ["auto", "none", "required"].map((toolChoice) => sent({ tools: [tool], toolChoice }).tool_choice);
    expect(choices).toEqual([{ type: "auto" }, { type: "none" }, { type: "any" }]);
    expect(sent({ tools: [tool] })).not.toHaveProperty("tool_choice");
  });

  it("marks the cache where the caller does, with its lifetime", () => {
    const body = sent({
      system: [{ type: "text", text: "Rules", cache: "1h" }],
      tools: [{ ...tool, cache: "1h" }],
      cache: "5m",
      ...user({ type: "text", text: "Hello", cache: "5m" }),
    });
    const hour = { cache_control: { type: "ephemeral", ttl: "1h" } };
    expect(body).toMatchObject({
      system: [{ type: "text", text: "Rules", ...hour }],
      tools: [hour],
      messages: [{ content: [{ cache_control: { type: "ephemeral", ttl: "5m" } }] }],
    });
    expect(body).not.toHaveProperty("cache_control");
  });

  it("leaves the mark to the API where the caller gives only a lifetime", () => {
    expect(sent({ cache: "1h" }).cache_control).toEqual({ type: "ephemeral", ttl: "1h" });
    expect(sent({})).not.toHaveProperty("cache_control");
  });

  it("asks for a JSON Schema in the form that the API takes", () => {
    const schema = {
      type: "object",
      properties: { age: { type: "integer", minimum: 0 } },
      required: ["age"],
      additionalProperties: true,
    };
    expect(sent({ responseFormat: { type: "json-schema", name: "person", schema } }).output_config).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: { age: { type: "integer", description: "{minimum: 0}" } },
          required: ["age"],
          additionalProperties: false,
        },
      },
    });
  });

  it("sends a schema that has no form as it is", () => {
    const schema = { description: "anything" };
    expect(sent({ responseFormat: { type: "json-schema", schema } }).output_config).toMatchObject({
      format: { schema },
    });
  });

  it("asks for any JSON object in words, behind the caller's own", () => {
    const body = sent({ system: "Be brief.", responseFormat: { type: "json" } });
    expect(body.system).toEqual([
      { type: "text", text: "Be brief." },
      { type: "text", text: expect.stringContaining("one JSON object") },
    ]);
    expect(body).not.toHaveProperty("output_config");
    expect(sent({ system: "Be brief.", responseFormat: { type: "text" } }).system).toBe("Be brief.");
  });

  it("names the user, and leaves out seed, penalties, safety, metadata and conversation", () => {
    const body = sent({
      userId: "u-1",
      conversationId: "c-1",
      metadata: { case: "7" },
      seed: 7,
      presencePenalty: 1,
      frequencyPenalty: 1,
      safety: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
    });
    expect(body).toEqual({
      model: "claude-opus-5",
      max_tokens: 512,
      messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
      metadata: { user_id: "u-1" },
    });
  });

  it("puts Anthropic's own options in last, and nobody else's", () => {
    const body = sent({
      maxOutputTokens: 9,
      providerOptions: {
        anthropic: { service_tier: "standard_only", max_tokens: 7, betas: ["files-api-2025-04-14"] },
        openai: { logprobs: true },
      },
    });
    expect(body).toMatchObject({ service_tier: "standard_only", max_tokens: 7 });
    expect(body).not.toHaveProperty("betas");
    expect(body).not.toHaveProperty("logprobs");
  });

  it("names betas in a header: those of the caller, and those that its fields need", () => {
    const anthropic = { betas: ["files-api-2025-04-14"], context_management: { edits: [] } };
    expect(headersOf({ providerOptions: { anthropic } })).toEqual({
      "anthropic-beta": "context-management-2025-06-27,files-api-2025-04-14",
    });
    expect(headersOf({})).toEqual({});
  });
});

describe("thinking", () => {
  const asked = (model: string, reasoning: object, more: object = {}) => {
    const { thinking, output_config, max_tokens } = sent({ reasoning, ...more }, model);
    return { thinking, output_config, max_tokens };
  };
  const adaptive = { type: "adaptive" };

  it.each([
    // Budgets up to 4.5: a word becomes one, and the answer keeps its room.
    ["claude-haiku-4-5-20251001", { effort: "low" }, { type: "enabled", budget_tokens: 2_048 }, undefined, 2_560],
    ["claude-sonnet-4-20250514", { budgetTokens: 4_000 }, { type: "enabled", budget_tokens: 4_000 }, undefined, 4_512],
    ["claude-3-7-sonnet-20250219", { effort: "none" }, undefined, undefined, 512],
    // 4.6 knows both.
    ["claude-opus-4-6", { budgetTokens: 2_000 }, { type: "enabled", budget_tokens: 2_000 }, undefined, 2_512],
    ["claude-opus-4-6", { effort: "high" }, adaptive, { effort: "high" }, 512],
    // Later ones know words only.
    ["claude-opus-5", { effort: "minimal" }, adaptive, { effort: "low" }, 512],
    ["claude-sonnet-5", { budgetTokens: 9_000 }, adaptive, undefined, 512],
    ["claude-opus-4-8", { effort: "none" }, undefined, undefined, 512],
    ["claude-opus-5", { budgetTokens: 0 }, { type: "disabled" }, undefined, 512],
    ["claude-sonnet-5-5", { effort: "none" }, { type: "between_tools" }, undefined, 512],
    ["claude-opus-5-5", { effort: "none" }, undefined, { effort: "low" }, 512],
    ["claude-of-the-future", { effort: "medium" }, adaptive, { effort: "medium" }, 512],
  ])("of %s for %j is %j", (model, reasoning, thinking, output_config, max_tokens) => {
    expect(asked(model, reasoning)).toEqual({ thinking, output_config, max_tokens });
  });

  it("keeps a word's budget within the caller's limit, and says nothing where no budget fits", () => {
    expect(asked("claude-haiku-4-5", { effort: "high" }, { maxOutputTokens: 4_000 })).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 3_000 },
      max_tokens: 4_000,
    });
    expect(asked("claude-haiku-4-5", { effort: "high" }, { maxOutputTokens: 1_000 })).toMatchObject({
      thinking: undefined,
      max_tokens: 1_000,
    });
  });
});
