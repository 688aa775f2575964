/** What goes out to Bedrock for each field of a request: against the documented shapes of its Converse API. */
import { describe, expect, it } from "vitest";
import { objectionTo } from "../../../src/provider/adapters/bedrock/content.ts";
import { familyOf, takesSchemas } from "../../../src/provider/adapters/bedrock/family.ts";
import { converseInput } from "../../../src/provider/adapters/bedrock/request.ts";
import { type ChatBody, chatSchema } from "../../../src/request/body.ts";

const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const nova = "amazon.nova-pro-v1:0";
const llama = "us.meta.llama3-3-70b-instruct-v1:0";
const hello = [{ role: "user", content: [{ type: "text", text: "Hello" }] }];
const bodyOf = (more: object): ChatBody => chatSchema.parse({ model: "m", messages: hello, ...more });
const sent = (more: object, model = claude) =>
  converseInput({ model, body: bodyOf(more), stream: false, defaultMaxOutputTokens: 512 });
const user = (...content: readonly object[]) => ({ messages: [{ role: "user", content }] });
const png = { data: "iVBORw0KGgo=", mediaType: "image/png" };
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

describe("messages to Bedrock", () => {
  it("carry media by bytes and from S3, documents each under a name of its own", () => {
    const pdf = { data: "JVBERi0=", mediaType: "application/pdf" };
    const { messages } = sent(
      user(
        { type: "image", source: png },
        { type: "image", source: { url: "s3://bucket/a.jpg" } },
        { type: "file", source: pdf, name: "report_2026.pdf" },
        { type: "file", source: pdf },
        { type: "file", source: { url: "s3://bucket/b.csv" } },
        { type: "video", source: { data: "AAAA", mediaType: "video/quicktime" } },
        { type: "audio", source: { data: "AAAA", mediaType: "audio/mpeg" } },
      ),
    );
    expect(messages?.[0]?.content).toEqual([
      { image: { format: "png", source: { bytes: bytes(png.data) } } },
      { image: { format: "jpeg", source: { s3Location: { uri: "s3://bucket/a.jpg" } } } },
      { document: { format: "pdf", name: "report-2026-pdf", source: { bytes: bytes(pdf.data) } } },
      { document: { format: "pdf", name: "document", source: { bytes: bytes(pdf.data) } } },
      { document: { format: "csv", name: "document (2)", source: { s3Location: { uri: "s3://bucket/b.csv" } } } },
      { video: { format: "mov", source: { bytes: bytes("AAAA") } } },
      { audio: { format: "mp3", source: { bytes: bytes("AAAA") } } },
    ]);
  });

  it("take turns: what one role says in several is one", () => {
    const { messages } = sent({
      messages: [
        ...hello,
        ...hello,
        { role: "assistant", content: [{ type: "tool-call", id: "t1", name: "look", input: { at: "wheel" } }] },
        { role: "tool", content: [{ type: "tool-result", id: "t1", content: "gone", isError: true }] },
        { role: "tool", content: [{ type: "tool-result", id: "t2", content: [{ type: "image", source: png }] }] },
        ...hello,
      ],
    });
    expect(messages?.map(({ role, content }) => [role, content?.length])).toEqual([
      ["user", 2],
      ["assistant", 1],
      ["user", 3],
    ]);
    expect(messages?.[2]?.content?.slice(0, 2)).toEqual([
      { toolResult: { toolUseId: "t1", content: [{ text: "gone" }], status: "error" } },
      { toolResult: { toolUseId: "t2", content: [{ image: { format: "png", source: { bytes: bytes(png.data) } } }] } },
    ]);
  });

  it("leave out another provider's thoughts", () => {
    const content = [
      { type: "reasoning", text: "Theirs.", signature: "c2ln", provider: "anthropic" },
      { type: "text", text: "Yes." },
    ];
    expect(sent({ messages: [...hello, { role: "assistant", content }] }).messages?.[1]?.content).toEqual([
      { text: "Yes." },
    ]);
  });

  it.each([
    [{ type: "image", source: { url: "https://example.com/a.png" } }, "fetches no web addresses"],
    [{ type: "image", source: { data: "AAAA", mediaType: "image/tiff" } }, "no image of type image/tiff"],
    [{ type: "file", source: { url: "s3://bucket/report" } }, "say its mediaType"],
    [{ type: "video", source: { data: "AAAA", mediaType: "video/ogg" } }, "no video of type video/ogg"],
  ])("cannot carry %j, and say so", (part, words) => {
    expect(objectionTo(bodyOf(user(part)))).toContain(words);
  });

  it("cannot forbid tools that were used before", () => {
    const call = { role: "assistant", content: [{ type: "tool-call", id: "t1", name: "look", input: {} }] };
    expect(objectionTo(bodyOf({ toolChoice: "none", messages: [...hello, call] }))).toContain("cannot forbid");
    expect(objectionTo(bodyOf({ toolChoice: "none" }))).toBeUndefined();
  });
});

describe("a request to Bedrock", () => {
  const tool = { name: "look", description: "Looks.", parameters: { type: "object" } };

  it("always has a limit of output, and sampling where there is some", () => {
    expect(sent({}).inferenceConfig).toEqual({ maxTokens: 512 });
    expect(sent({ maxOutputTokens: 9, temperature: 0, topP: 0.5, stop: ["END"], seed: 7 }).inferenceConfig).toEqual({
      maxTokens: 9,
      temperature: 0,
      topP: 0.5,
      stopSequences: ["END"],
    });
  });

  it("has topK in the words of the family, and none where there are none", () => {
    expect(sent({ topK: 5 }).additionalModelRequestFields).toEqual({ top_k: 5 });
    expect(sent({ topK: 5 }, nova).additionalModelRequestFields).toEqual({ inferenceConfig: { topK: 5 } });
    expect(sent({ topK: 5 }, llama)).not.toHaveProperty("additionalModelRequestFields");
  });

  it("carries tools and the choice among them", () => {
    const config = {
      tools: [{ toolSpec: { name: "look", description: "Looks.", inputSchema: { json: { type: "object" } } } }],
    };
    expect(sent({ tools: [tool] }).toolConfig).toEqual(config);
    expect(sent({ tools: [tool], toolChoice: "required" }).toolConfig).toEqual({ ...config, toolChoice: { any: {} } });
    expect(sent({ tools: [tool], toolChoice: { name: "look" } }).toolConfig).toMatchObject({
      toolChoice: { tool: { name: "look" } },
    });
    expect(sent({ tools: [tool], toolChoice: "none" })).not.toHaveProperty("toolConfig");
    expect(sent({ tools: [tool], parallelToolCalls: false }).additionalModelRequestFields).toEqual({
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    });
  });

  it("marks the cache behind what is marked, and only for families that have one", () => {
    const asked = {
      system: [{ type: "text", text: "Rules", cache: "1h" }],
      tools: [{ ...tool, cache: "5m" }],
      ...user({ type: "text", text: "Hello", cache: "5m" }),
    };
    const point = { cachePoint: { type: "default" } };
    expect(sent(asked)).toMatchObject({
      system: [{ text: "Rules" }, { cachePoint: { type: "default", ttl: "1h" } }],
      toolConfig: { tools: [{ toolSpec: {} }, point] },
      messages: [{ content: [{ text: "Hello" }, point] }],
    });
    expect(JSON.stringify(sent(asked, llama))).not.toContain("cachePoint");
    expect(sent({ cache: "5m" }).messages).toEqual([{ role: "user", content: [{ text: "Hello" }, point] }]);
    expect(sent({ ...asked, cache: "1h" }).messages?.[0]?.content).toHaveLength(2);
  });

  it("asks for a JSON Schema as a format, or in words where the family has none", () => {
    const schema = { type: "object", properties: { age: { type: "integer" } } };
    const asked = { responseFormat: { type: "json-schema", name: "person", schema } };
    expect(sent(asked).outputConfig).toEqual({
      textFormat: {
        type: "json_schema",
        structure: {
          jsonSchema: { name: "person", schema: JSON.stringify({ ...schema, additionalProperties: false }) },
        },
      },
    });
    for (const model of [nova, llama]) {
      expect(sent(asked, model)).not.toHaveProperty("outputConfig");
      expect(sent(asked, model).system).toEqual([{ text: expect.stringContaining(JSON.stringify(schema)) }]);
    }
    expect(sent({ system: "Be brief.", responseFormat: { type: "json" } }).system).toEqual([
      { text: "Be brief." },
      { text: expect.stringContaining("one JSON object") },
    ]);
  });

  it.each([
    [claude, { effort: "low" }, { thinking: { type: "enabled", budget_tokens: 2_048 } }, undefined, 2_560],
    ["anthropic.claude-opus-4-6-v1", { effort: "high" }, { thinking: { type: "adaptive" } }, { effort: "high" }, 512],
    [
      "amazon.nova-2-lite-v1:0",
      { effort: "minimal" },
      { reasoningConfig: { type: "enabled", maxReasoningEffort: "low" } },
      undefined,
      512,
    ],
    ["amazon.nova-2-lite-v1:0", { budgetTokens: 0 }, { reasoningConfig: { type: "disabled" } }, undefined, 512],
    ["openai.gpt-oss-120b-1:0", { effort: "high" }, { reasoning_effort: "high" }, undefined, 512],
    [llama, { effort: "high" }, undefined, undefined, 512],
  ])("tells %s to think for %j", (model, reasoning, fields, outputConfig, maxTokens) => {
    const input = sent({ reasoning }, model);
    expect(input.additionalModelRequestFields).toEqual(fields);
    expect(input.outputConfig).toEqual(outputConfig);
    expect(input.inferenceConfig?.maxTokens).toBe(maxTokens);
  });

  it("puts Bedrock's own options in last, beside ours", () => {
    const bedrock = {
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" },
      additionalModelRequestFields: { anthropic_beta: ["context-1m-2025-08-07"] },
      inferenceConfig: { maxTokens: 7 },
    };
    expect(sent({ topK: 5, temperature: 0, providerOptions: { bedrock, anthropic: { speed: "fast" } } })).toEqual({
      modelId: claude,
      messages: [{ role: "user", content: [{ text: "Hello" }] }],
      guardrailConfig: bedrock.guardrailConfig,
      additionalModelRequestFields: { top_k: 5, anthropic_beta: ["context-1m-2025-08-07"] },
      inferenceConfig: { maxTokens: 7, temperature: 0 },
    });
  });
});

describe("the family of a model of Bedrock's", () => {
  it.each([
    ["anthropic.claude-3-haiku-20240307-v1:0", "claude", false],
    ["global.anthropic.claude-haiku-4-5-20251001-v1:0", "claude", true],
    ["us.anthropic.claude-sonnet-4-20250514-v1:0", "claude", false],
    ["anthropic.claude-opus-5", "claude", true],
    ["us.amazon.nova-lite-v1:0", "nova", false],
    ["amazon.titan-text-express-v1", "titan", false],
    ["meta.llama4-scout-17b-instruct-v1:0", "llama", false],
    ["openai.gpt-oss-20b-1:0", "gpt-oss", true],
    ["mistral.mistral-large-2402-v1:0", "other", true],
    ["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "nova", false],
    ["arn:aws:bedrock:eu-central-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1", "claude", true],
    ["arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123", "unknown", true],
  ])("of %s is %s; it takes schemas: %s", (model, family, schemas) => {
    expect(familyOf(model)).toBe(family);
    expect(takesSchemas(model, familyOf(model))).toBe(schemas);
  });
});
