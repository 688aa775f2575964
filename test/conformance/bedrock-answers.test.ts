/** What Bedrock answers, whole and streamed, through the real AWS SDK and a real socket. */
import { describe, expect, it } from "vitest";
import type { ChatBody } from "../../src/request/body.ts";
import { ask, failureOf, lastSent, say, server, useBedrock } from "./bedrock-place.ts";
import { event, exception, frame, metadata, opening, piece, stop, stream, usage } from "./bedrock-wire.ts";

useBedrock();

describe("a whole answer of bedrock", () => {
  it("has text, finish reason, usage and the id of the request", async () => {
    say([{ text: "Mills " }, { text: "grind." }]);
    expect((await ask()).outcome).toEqual({
      ok: true,
      text: "Mills grind.",
      finish: { unified: "stop", raw: "end_turn" },
      usage: { inputTokens: 12, outputTokens: 7 },
      providerRequestId: "req-1",
    });
  });

  it("has thoughts with their seals, hidden ones too, and calls of tools, and takes them back as they came", async () => {
    say(
      [
        { reasoningContent: { reasoningText: { text: "Hm.", signature: "c2ln" } } },
        { reasoningContent: { redactedContent: "Y2lwaGVy" } },
        { text: "I look." },
        { toolUse: { toolUseId: "tooluse_1", name: "look", input: { at: "wheel" } } },
      ],
      { stopReason: "tool_use" },
    );
    const { outcome } = await ask();
    expect(outcome).toMatchObject({ ok: true, text: "I look.", finish: { unified: "tool-calls" } });
    const parts = outcome.ok ? outcome.parts : undefined;
    expect(parts).toEqual([
      { type: "reasoning", text: "Hm.", signature: "c2ln", provider: "bedrock" },
      { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy", provider: "bedrock" },
      { type: "text", text: "I look." },
      { type: "tool-call", id: "tooluse_1", name: "look", input: { at: "wheel" } },
    ]);
    const messages: ChatBody["messages"] = [
      { role: "user", content: [{ type: "text", text: "Look." }] },
      { role: "assistant", content: [...(parts ?? [])] },
      { role: "tool", content: [{ type: "tool-result", id: "tooluse_1", content: "It turns." }] },
    ];
    say([{ text: "It turns." }]);
    await ask({ body: { messages } });
    expect(lastSent().body).toMatchObject({
      messages: [
        {},
        {
          content: [
            { reasoningContent: { reasoningText: { text: "Hm.", signature: "c2ln" } } },
            { reasoningContent: { redactedContent: "Y2lwaGVy" } },
            { text: "I look." },
            { toolUse: { toolUseId: "tooluse_1", name: "look", input: { at: "wheel" } } },
          ],
        },
        { role: "user", content: [{ toolResult: { toolUseId: "tooluse_1", content: [{ text: "It turns." }] } }] },
      ],
    });
  });

  it("counts the cache as input, by its lifetime", async () => {
    const cached = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 245,
      cacheReadInputTokens: 200,
      cacheWriteInputTokens: 30,
    };
    say([{ text: "Mills." }], {
      usage: {
        ...cached,
        cacheDetails: [
          { ttl: "1h", inputTokens: 20 },
          { ttl: "5m", inputTokens: 10 },
        ],
      },
    });
    expect((await ask()).outcome.usage).toEqual({
      inputTokens: 240,
      outputTokens: 5,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      cacheWriteHourTokens: 20,
    });
  });

  it("leaves usage unknown where none is reported", async () => {
    say([{ text: "Mills." }], { usage: undefined });
    expect((await ask()).outcome).toMatchObject({ ok: true, usage: {} });
  });

  it.each([
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool-calls"],
    ["content_filtered", "content-filter"],
    ["guardrail_intervened", "content-filter"],
    ["a_reason_of_the_future", "other"],
    ["constructor", "other"],
  ])("reads the finish reason %s as %s", async (raw, unified) => {
    say([{ text: "Mills." }], { stopReason: raw });
    expect((await ask()).outcome).toMatchObject({ ok: true, finish: { unified, raw } });
  });

  it("that was withheld to the last word, is empty, or broken is a failure", async () => {
    say([], { stopReason: "content_filtered" });
    expect((await failureOf()).outcome).toMatchObject({ failure: { kind: "client" }, usage: { inputTokens: 12 } });
    say([]);
    expect((await failureOf()).failure).toMatchObject({ kind: "server", message: "the answer is empty" });
    say([{ text: "{" }], { stopReason: "malformed_model_output" });
    expect((await failureOf()).failure).toMatchObject({ kind: "server", code: "malformed_model_output" });
    say([{ toolUse: { toolUseId: "t", name: "look", input: "wheel" } }], { stopReason: "tool_use" });
    expect((await failureOf()).failure).toMatchObject({
      kind: "server",
      message: expect.stringContaining("JSON object"),
    });
    say([{ toolUse: { toolUseId: "t", name: "look", input: "wheel" } }], { stopReason: "max_tokens" });
    expect((await failureOf()).failure).toMatchObject({ kind: "client", message: expect.stringContaining("cut") });
  });

  it.each(["", "null", "[]", "{}", '"text"', "42", '{"output":{"message":{"content":7}}}', "{"])(
    "that is %j with status 200 is the server's failure",
    async (body) => {
      server.answer = () => ({ pieces: [body] });
      expect((await failureOf()).failure.kind).toBe("server");
    },
  );

  it("that holds an error with status 200 is the server's failure", async () => {
    server.answer = () => ({ pieces: [JSON.stringify({ Output: { __type: "UnknownOperationException" } })] });
    expect((await failureOf()).failure.kind).toBe("server");
  });
});

describe("a streamed answer of bedrock", () => {
  it("comes in pieces that add up, with usage from behind the end", async () => {
    server.answer = () =>
      stream(
        opening,
        piece("Grüße, "),
        piece("水車."),
        event("contentBlockStop", { contentBlockIndex: 0 }),
        stop(),
        metadata,
      );
    const { outcome, pieces, activity } = await ask({ stream: true });
    expect(outcome).toEqual({
      ok: true,
      text: "Grüße, 水車.",
      finish: { unified: "stop", raw: "end_turn" },
      usage: { inputTokens: 12, outputTokens: 7 },
      providerRequestId: "req-1",
    });
    expect(pieces).toEqual(["Grüße, ", "水車."]);
    expect(activity).toBeGreaterThan(3);
    expect(lastSent().path).toMatch(/\/converse-stream$/);
  });

  it("may be cut anywhere between its bytes", async () => {
    const bytes = Buffer.concat([opening, piece("Mills "), piece("grind."), stop(), metadata]);
    const parts = Array.from({ length: Math.ceil(bytes.length / 13) }, (_, at) =>
      bytes.subarray(at * 13, at * 13 + 13),
    );
    server.answer = () => stream(...parts);
    expect((await ask({ stream: true })).outcome).toMatchObject({ ok: true, text: "Mills grind." });
  });

  it("has thoughts and calls of tools, each piece as it comes", async () => {
    const delta = (contentBlockIndex: number, content: object) =>
      event("contentBlockDelta", { contentBlockIndex, delta: content });
    server.answer = () =>
      stream(
        opening,
        delta(0, { reasoningContent: { text: "Hm" } }),
        delta(0, { reasoningContent: { text: "." } }),
        delta(0, { reasoningContent: { signature: "c2ln" } }),
        event("contentBlockStop", { contentBlockIndex: 0 }),
        delta(1, { reasoningContent: { redactedContent: "Y2lwaGVy" } }),
        event("contentBlockStop", { contentBlockIndex: 1 }),
        piece("I look.", 2),
        event("contentBlockStart", { contentBlockIndex: 3, start: { toolUse: { toolUseId: "t1", name: "look" } } }),
        delta(3, { toolUse: { input: '{"at":' } }),
        delta(3, { toolUse: { input: '"wheel"}' } }),
        event("contentBlockStart", { contentBlockIndex: 4, start: { toolUse: { toolUseId: "t2", name: "listen" } } }),
        stop("tool_use"),
        metadata,
      );
    const { outcome, deltas } = await ask({ stream: true });
    expect(outcome).toMatchObject({
      ok: true,
      text: "I look.",
      parts: [
        { type: "reasoning", text: "Hm.", signature: "c2ln", provider: "bedrock" },
        { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy" },
        { type: "text", text: "I look." },
        { type: "tool-call", id: "t1", name: "look", input: { at: "wheel" } },
        { type: "tool-call", id: "t2", name: "listen", input: {} },
      ],
    });
    expect(deltas).toEqual([
      { type: "reasoning", text: "Hm" },
      { type: "reasoning", text: "." },
      { type: "reasoning", text: "", signature: "c2ln", provider: "bedrock" },
      { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy", provider: "bedrock" },
      { type: "text", text: "I look." },
      { type: "tool-call", index: 0, id: "t1", name: "look", input: "" },
      { type: "tool-call", index: 0, input: '{"at":' },
      { type: "tool-call", index: 0, input: '"wheel"}' },
      { type: "tool-call", index: 1, id: "t2", name: "listen", input: "" },
    ]);
  });

  it("ignores what it does not know and what comes after the end", async () => {
    server.answer = () =>
      stream(opening, event("anEventOfTheFuture", { a: 1 }), piece("Mills."), stop(), piece(" More."), metadata);
    const { outcome, pieces } = await ask({ stream: true });
    expect(outcome).toMatchObject({ ok: true, text: "Mills.", usage: { outputTokens: usage.outputTokens } });
    expect(pieces).toEqual(["Mills."]);
  });

  it("that breaks behind its end is an answer of unknown usage", async () => {
    server.answer = () => stream(opening, piece("Mills."), stop());
    expect((await ask({ stream: true })).outcome).toMatchObject({ ok: true, text: "Mills.", usage: {} });
    server.answer = () => ({ ...stream(opening, piece("Mills."), stop()), finale: "reset" });
    expect((await ask({ stream: true })).outcome).toMatchObject({ ok: true, text: "Mills.", usage: {} });
  });

  it("without its end is a failure, however it ended", async () => {
    server.answer = () => stream(opening, piece("Mills "));
    expect((await failureOf({ stream: true })).failure.kind).toBe("stream");
    server.answer = () => stream(opening, piece("Mills "), piece("grind.").subarray(0, 40));
    const cut = await failureOf({ stream: true });
    expect(cut.failure.kind).toBe("stream");
    expect(cut.pieces).toEqual(["Mills "]);
    server.answer = () => ({ ...stream(opening, piece("Mills ")), finale: "reset" });
    expect((await failureOf({ stream: true })).failure.kind).toBe("network");
    server.answer = () => stream();
    expect((await failureOf({ stream: true })).failure.kind).toBe("stream");
  });

  it.each([
    ["throttlingException", "rate"],
    ["serviceUnavailableException", "capacity"],
    ["internalServerException", "server"],
    ["modelStreamErrorException", "server"],
    ["validationException", "client"],
  ])("reads the exception %s in its middle as %s", async (type, kind) => {
    server.answer = () => stream(opening, piece("Mills "), exception(type, "Not now."));
    const { failure, pieces } = await failureOf({ stream: true });
    expect(failure).toMatchObject({ kind, message: "Not now." });
    expect(pieces).toEqual(["Mills "]);
  });

  it("whose frame is broken, no JSON or without meaning is the server's failure, unquoted", async () => {
    const broken = Buffer.from(piece("Mills."));
    broken.writeUInt8(broken.readUInt8(30) ^ 1, 30);
    const words = "A secret that the model told.";
    for (const odd of [
      new Uint8Array(broken),
      event("contentBlockDelta", `{"delta":{"text":"${words}`),
      event("contentBlockDelta", "42"),
    ]) {
      server.answer = () => stream(opening, odd, stop(), metadata);
      const { failure } = await failureOf({ stream: true });
      expect(failure.kind).toBe("server");
      expect(failure.message).not.toContain(words);
    }
    const error = frame({ ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Oh." }, "");
    server.answer = () => stream(opening, error);
    expect((await failureOf({ stream: true })).failure.kind).toBe("server");
  });

  it("whose tool call has broken JSON is the server's failure", async () => {
    const start = event("contentBlockStart", {
      contentBlockIndex: 0,
      start: { toolUse: { toolUseId: "t1", name: "look" } },
    });
    const input = event("contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input: '{"at":' } } });
    server.answer = () => stream(opening, start, input, stop("tool_use"), metadata);
    expect((await failureOf({ stream: true })).outcome).toMatchObject({
      failure: { kind: "server" },
      usage: { outputTokens: 7 },
    });
  });
});
