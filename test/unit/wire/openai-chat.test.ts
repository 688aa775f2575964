import { describe, expect, it } from "vitest";
import { readOpenaiChat } from "../../../producers/wire/openai-chat.ts";
import { readOpenaiEmbeddings } from "../../../producers/wire/openai-embeddings.ts";

const chat = (more: object) => ({ model: "gpt-5-mini", messages: [{ role: "user", content: "Hello" }], ...more });
const bodyOf = (more: object) => {
  const body = readOpenaiChat(chat(more), "body");
  if (!body.ok) throw new Error(body.reason);
  return body.value;
};
const reasonOf = (more: object) => {
  const body = readOpenaiChat(chat(more), "body");
  return body.ok ? undefined : body.reason;
};
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tool = (name: string) => ({ type: "function", function: { name, description: "d", parameters, strict: true } });

describe("a chat completion of OpenAI's", () => {
  it("brings its tools and the choice among them", () => {
    const asked = bodyOf({
      tools: [
        tool("a"),
        { type: "function", function: { name: "b" }, cache_control: { type: "ephemeral", ttl: "1h" } },
      ],
      tool_choice: { type: "function", function: { name: "b" } },
      parallel_tool_calls: false,
    });
    expect(asked).toMatchObject({
      tools: [
        { name: "a", description: "d", parameters, strict: true },
        { name: "b", parameters: { type: "object", properties: {} }, cache: "1h" },
      ],
      toolChoice: { name: "b" },
      parallelToolCalls: false,
    });
  });

  it("brings the form of its answer", () => {
    const schema = { type: "object" };
    const wire = { type: "json_schema", json_schema: { name: "n", description: "d", schema, strict: true } };
    expect(bodyOf({ response_format: wire }).responseFormat).toEqual({
      type: "json-schema",
      name: "n",
      schema: { description: "d", type: "object" },
      strict: true,
    });
    expect(bodyOf({ response_format: { type: "json_object" } }).responseFormat).toEqual({ type: "json" });
    expect(bodyOf({ response_format: { type: "text" } })).not.toHaveProperty("responseFormat");
  });

  it("brings penalties, reasoning, metadata and who is behind it", () => {
    const asked = {
      presence_penalty: 0.5,
      frequency_penalty: -1,
      reasoning_effort: "high",
      metadata: { a: "b" },
      user: "u",
    };
    expect(bodyOf(asked)).toMatchObject({
      presencePenalty: 0.5,
      frequencyPenalty: -1,
      reasoning: { effort: "high" },
      metadata: { a: "b" },
      userId: "u",
    });
    expect(bodyOf({ user: "u", safety_identifier: "s" }).userId).toBe("s");
  });

  it.each([
    [{ tools: [{ type: "custom", custom: { name: "x" } }] }, 'body.tools[0].type must be "function"'],
    [{ tools: [{ type: "function", function: { name: "bad name" } }] }, "body.tools[0].function.name must be 1 to 64"],
    [{ tool_choice: "required" }, "body.tool_choice asks for a tool, and there is none"],
    [
      { tools: [tool("a")], tool_choice: { type: "function", function: { name: "z" } } },
      'body.tool_choice names "z", which is none of the tools',
    ],
    [{ tools: [tool("a")], tool_choice: "maybe" }, "body.tool_choice"],
    [{ response_format: { type: "grammar" } }, "body.response_format.type must be one of text, json"],
    [
      { response_format: { type: "json_schema", json_schema: { name: "n" } } },
      "body.response_format.json_schema.schema is missing",
    ],
    [{ reasoning_effort: "enormous" }, "body.reasoning_effort must be one of none, minimal"],
    [{ metadata: { a: "x".repeat(513) } }, "body.metadata.a must be at most 512"],
  ])("is refused with the place: %j", (more, reason) => {
    expect(reasonOf(more)).toContain(reason);
  });
});

describe("an embedding of OpenAI's", () => {
  const read = (body: object) => readOpenaiEmbeddings({ model: "text-embedding-3-small", ...body }, "body");

  it("is one text or several", () => {
    const shared = { operation: "embedding", model: "text-embedding-3-small" };
    expect(read({ input: "a" })).toEqual({ ok: true, value: { ...shared, input: ["a"] } });
    expect(read({ input: ["a", "b"], dimensions: 256, encoding_format: "float", user: "u" })).toEqual({
      ok: true,
      value: { ...shared, input: ["a", "b"], dimensions: 256, userId: "u" },
    });
  });

  it.each([
    [{ input: [1, 2] }, "body.input[0] must be a string"],
    [{ input: [] }, "body.input must be at least 1 item long"],
    [{ input: 1 }, "body.input must be a text or a list"],
    [{ input: "a", encoding_format: "base64" }, 'body.encoding_format must be "float"'],
    [{ input: "a", colour: 1 }, 'unknown field "body.colour"'],
  ])("is refused with the place: %j", (body, reason) => {
    expect(read(body)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });
});
