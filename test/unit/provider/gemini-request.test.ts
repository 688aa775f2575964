/** How a chat looks on Gemini's wire. */
import { describe, expect, it } from "vitest";
import { requestOf } from "../../../src/provider/adapters/gemini/request.ts";
import { type ChatBody, chatSchema } from "../../../src/request/body.ts";

const user = (text: string): ChatBody["messages"][number] => ({ role: "user", content: [{ type: "text", text }] });

const translate = (body: Partial<ChatBody>, model = "gemini-3.5-flash") =>
  requestOf(chatSchema.parse({ model, messages: [user("Hello")], ...body }), {
    provider: "gemini",
    thinker: "gemini",
    model,
  });

const wire = (body: Partial<ChatBody>, model?: string) => {
  const translated = translate(body, model);
  if (!translated.ok) throw new Error(translated.message);
  return translated.body;
};

describe("a chat on Gemini's wire", () => {
  it("has bytes inline and addresses as files, with the media type that the caller or the ending says", () => {
    const { contents } = wire({
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { data: "AAAA", mediaType: "image/png" }, detail: "high", cache: "5m" },
            { type: "audio", source: { data: "AAAA", mediaType: "audio/wav" } },
            { type: "video", source: { url: "https://www.youtube.com/watch?v=abc" } },
            { type: "video", source: { url: "gs://bucket/film.MP4" } },
            { type: "file", source: { url: "https://example.org/a.pdf?x=1.b" }, name: "a.pdf" },
            { type: "file", source: { url: "https://example.org/a", mediaType: "text/csv" } },
          ],
        },
      ],
    });
    expect(contents).toEqual([
      {
        role: "user",
        parts: [
          { inlineData: { mimeType: "image/png", data: "AAAA" } },
          { inlineData: { mimeType: "audio/wav", data: "AAAA" } },
          { fileData: { fileUri: "https://www.youtube.com/watch?v=abc" } },
          { fileData: { mimeType: "video/mp4", fileUri: "gs://bucket/film.MP4" } },
          { fileData: { mimeType: "application/pdf", fileUri: "https://example.org/a.pdf?x=1.b" } },
          { fileData: { mimeType: "text/csv", fileUri: "https://example.org/a" } },
        ],
      },
    ]);
  });

  const afterTools: ChatBody["messages"] = [
    user("Weather in Ulm and Bonn?"),
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Two calls.", provider: "gemini" },
        { type: "reasoning", text: "Of another.", signature: "x", provider: "anthropic" },
        { type: "tool-call", id: "c1", name: "weather", input: { city: "Ulm" }, signature: "seal" },
        { type: "tool-call", id: "c2", name: "weather", input: { city: "Bonn" } },
      ],
    },
    { role: "tool", content: [{ type: "tool-result", id: "c1", content: "rain" }] },
    {
      role: "tool",
      content: [
        {
          type: "tool-result",
          id: "c2",
          isError: true,
          content: [
            { type: "text", text: "no such city" },
            { type: "image", source: { data: "AAAA", mediaType: "image/png" } },
          ],
        },
      ],
    },
  ];

  it("brings tool calls back with their ids and seals, and all results in one content", () => {
    expect(wire({ messages: afterTools }).contents.slice(1)).toEqual([
      {
        role: "model",
        parts: [
          { text: "Two calls.", thought: true },
          { functionCall: { id: "c1", name: "weather", args: { city: "Ulm" } }, thoughtSignature: "seal" },
          { functionCall: { id: "c2", name: "weather", args: { city: "Bonn" } } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "c1", name: "weather", response: { output: "rain" } } },
          { functionResponse: { id: "c2", name: "weather", response: { error: "no such city" } } },
          { inlineData: { mimeType: "image/png", data: "AAAA" } },
        ],
      },
    ]);
  });

  it("keeps ids of calls from generation 2, which refuses them", () => {
    const text = JSON.stringify(wire({ messages: afterTools }, "gemini-2.5-flash").contents);
    expect(text).not.toContain('"id"');
    expect(text).toContain('"name":"weather","response"');
  });

  it("marks the first call of a turn that another model spoke, for models that ask for a seal", () => {
    const messages = afterTools.map((message) =>
      message.role === "assistant"
        ? { ...message, content: message.content.filter((part) => part.type === "tool-call").map(bare) }
        : message,
    );
    const sealsOf = (model: string) =>
      JSON.stringify(wire({ messages }, model).contents).match(/skip_thought_signature_validator/g)?.length;
    expect(sealsOf("gemini-3.5-flash")).toBe(1);
    expect(sealsOf("gemini-flash-latest")).toBe(1);
    expect(sealsOf("gemini-2.5-flash")).toBeUndefined();
  });

  it("brings a seal of text back as a part of its own", () => {
    const { contents } = wire({
      messages: [
        user("Hello"),
        {
          role: "assistant",
          content: [
            { type: "text", text: "Hi." },
            { type: "reasoning", text: "", signature: "seal", provider: "gemini" },
          ],
        },
        user("Go on"),
      ],
    });
    expect(contents[1]).toEqual({ role: "model", parts: [{ text: "Hi." }, { text: "", thoughtSignature: "seal" }] });
  });

  const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const tool = { name: "weather", description: "Looks out of the window", parameters };

  it.each([
    [undefined, undefined],
    ["auto", undefined],
    ["none", { functionCallingConfig: { mode: "NONE" } }],
    ["required", { functionCallingConfig: { mode: "ANY" } }],
    [{ name: "weather" }, { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } }],
  ] as const)("declares tools with their JSON Schema, and says %j as the choice", (toolChoice, toolConfig) => {
    const body = wire({ tools: [tool], ...(toolChoice === undefined ? {} : { toolChoice }), parallelToolCalls: false });
    expect(body.tools).toEqual([
      { functionDeclarations: [{ name: "weather", description: tool.description, parametersJsonSchema: parameters }] },
    ]);
    expect(body.toolConfig).toEqual(toolConfig);
  });

  it("holds the model to the schema of strict tools", () => {
    expect(wire({ tools: [{ ...tool, strict: true }] }).toolConfig).toEqual({
      functionCallingConfig: { mode: "VALIDATED" },
    });
  });

  it("asks for JSON, with a schema or without", () => {
    expect(wire({ responseFormat: { type: "text" } }).generationConfig).toEqual({});
    expect(wire({ responseFormat: { type: "json" } }).generationConfig).toEqual({
      responseMimeType: "application/json",
    });
    expect(wire({ responseFormat: { type: "json-schema", schema: parameters } }).generationConfig).toEqual({
      responseMimeType: "application/json",
      responseJsonSchema: parameters,
    });
  });

  it.each([
    ["gemini-3.8-flash", { effort: "high" }, { thinkingLevel: "high", includeThoughts: true }],
    ["gemini-3.8-flash", { effort: "none" }, { thinkingLevel: "low", includeThoughts: false }],
    ["gemini-4-argon", { effort: "minimal" }, { thinkingLevel: "low", includeThoughts: true }],
    ["gemini-3.6-flash", { effort: "none" }, { thinkingLevel: "minimal", includeThoughts: false }],
    ["gemini-3.5-flash-lite", { effort: "minimal" }, { thinkingLevel: "minimal", includeThoughts: true }],
    ["gemini-3.8-flash", { budgetTokens: 500 }, { thinkingBudget: 500, includeThoughts: true }],
    ["gemini-2.5-flash", { effort: "medium" }, { thinkingBudget: 8_192, includeThoughts: true }],
    ["gemini-2.5-flash", { effort: "none" }, { thinkingBudget: 0, includeThoughts: false }],
    ["gemini-2.5-flash", { effort: "low", budgetTokens: 0 }, { thinkingBudget: 0, includeThoughts: false }],
    ["gemini-2.5-flash", {}, undefined],
  ] as const)("tells %s to think %j", (model, reasoning, thinkingConfig) => {
    expect(wire({ reasoning }, model).generationConfig).toEqual(thinkingConfig === undefined ? {} : { thinkingConfig });
  });

  it("sends every way of sampling, penalties, safety, and the system prompt in its parts", () => {
    const body = wire({
      system: [
        { type: "text", text: "Be brief.", cache: "1h" },
        { type: "text", text: "Be kind." },
      ],
      safety: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      temperature: 0,
      topP: 0.5,
      topK: 3,
      seed: 7,
      presencePenalty: 0.5,
      frequencyPenalty: -0.5,
      maxOutputTokens: 9,
      stop: ["END"],
      cache: "5m",
      userId: "u1",
      metadata: { a: "b" },
      conversationId: "c1",
    });
    expect(body).toEqual({
      contents: [{ role: "user", parts: [{ text: "Hello" }] }],
      systemInstruction: { parts: [{ text: "Be brief." }, { text: "Be kind." }] },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      generationConfig: {
        temperature: 0,
        topP: 0.5,
        topK: 3,
        seed: 7,
        presencePenalty: 0.5,
        frequencyPenalty: -0.5,
        maxOutputTokens: 9,
        stopSequences: ["END"],
      },
    });
  });

  it("puts the caller's own fields in last, beside the request's tools and inside its objects", () => {
    const body = wire({
      tools: [tool],
      temperature: 1,
      topK: 3,
      providerOptions: {
        gemini: {
          cachedContent: "cachedContents/abc",
          tools: [{ codeExecution: {} }],
          generationConfig: { temperature: 0.1, mediaResolution: "MEDIA_RESOLUTION_LOW" },
        },
        openai: { service_tier: "flex" },
      },
    });
    expect(body.cachedContent).toBe("cachedContents/abc");
    expect(body.tools).toEqual([{ functionDeclarations: [expect.anything()] }, { codeExecution: {} }]);
    expect(body.generationConfig).toEqual({ temperature: 0.1, topK: 3, mediaResolution: "MEDIA_RESOLUTION_LOW" });
    expect(JSON.stringify(body)).not.toContain("service_tier");
  });

  it("says what Gemini cannot be told instead of leaving it out", () => {
    const s3 = { type: "image", source: { url: "s3://bucket/a.png" } } as const;
    expect(translate({ messages: [{ role: "user", content: [s3] }] })).toMatchObject({
      ok: false,
      message: expect.stringContaining("S3"),
    });
    expect(
      translate({ messages: [{ role: "tool", content: [{ type: "tool-result", id: "c1", content: [s3] }] }] }),
    ).toMatchObject({ ok: false });
    expect(
      translate({ messages: [{ role: "assistant", content: [{ type: "tool-call", id: "c1", name: "a", input: 7 }] }] }),
    ).toMatchObject({ ok: false, message: expect.stringContaining("object") });
  });
});

function bare<Call extends { readonly signature?: string | undefined }>({ signature: _, ...call }: Call) {
  return call;
}
