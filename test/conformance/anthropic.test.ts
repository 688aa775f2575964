/** How a request goes out to Anthropic, and answers that only it gives. Its real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anthropic } from "../../src/provider/adapters/anthropic.ts";
import { call } from "../support/call.ts";
import { apiKey, conversation, exchange, sampling, text } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer();
});
afterAll(() => server.stop());

describe("anthropic", () => {
  const message = (more: object) =>
    json(
      JSON.stringify({ type: "message", role: "assistant", content: [text("Hi.")], stop_reason: "end_turn", ...more }),
    );
  const sse = (...events: readonly object[]) =>
    eventStream(
      ...events.map((event) => `event: ${"type" in event ? event.type : ""}\ndata: ${JSON.stringify(event)}\n\n`),
    );
  const at = () => anthropic.connect({ apiKey, baseUrl: server.url });

  it("sends system, turns and stop sequences, and the configured output limit where the caller has none", async () => {
    const { sent } = await exchange(server, at(), message({}), { body: conversation });
    expect(sent.path).toBe("/v1/messages");
    expect(sent.body).toEqual({
      model: "some-model",
      max_tokens: 512,
      system: "Be brief.",
      messages: conversation.messages,
      stop_sequences: ["END", "STOP"],
    });
  });

  it("sends sampling parameters in the API version that has them, and leaves out the seed", async () => {
    const { sent } = await exchange(server, at(), message({}), { body: sampling, stream: true });
    expect(sent.headers.get("anthropic-version")).toBe("2023-06-01");
    expect(sent.body).toMatchObject({ stream: true, max_tokens: 99, temperature: 0, top_p: 0.9, top_k: 40 });
    expect(sent.body).not.toHaveProperty("seed");
  });

  it("keeps to the SDK's own API version otherwise", async () => {
    const { sent } = await exchange(server, at(), message({}));
    expect(sent.headers.get("anthropic-version")).not.toBe("2023-06-01");
  });

  it("counts cached tokens as input and thinking as output", async () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 30,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 20 },
    };
    const { outcome } = await exchange(server, at(), message({ usage }));
    expect(outcome.usage).toEqual({
      inputTokens: 240,
      outputTokens: 50,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      reasoningTokens: 20,
    });
  });

  it("takes the final counts of a stream, not the first ones, and its text without its thoughts", async () => {
    const { outcome, pieces } = await exchange(
      server,
      at(),
      sse(
        {
          type: "message_start",
          message: { usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } },
        },
        { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
        { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "x" } },
        { type: "content_block_start", index: 1, content_block: { type: "text", text: "H" } },
        { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "i." } },
        { type: "an_event_of_the_future" },
        {
          type: "message_delta",
          delta: { stop_reason: "max_tokens" },
          usage: { output_tokens: 40, input_tokens: null },
        },
        { type: "message_stop" },
      ),
      { stream: true },
    );
    expect(outcome).toMatchObject({ ok: true, text: "Hi.", finish: { unified: "length", raw: "max_tokens" } });
    expect(outcome.usage).toEqual({ inputTokens: 15, cacheReadTokens: 5, outputTokens: 40 });
    expect(pieces).toEqual(["H", "i."]);
  });

  it("reports what was stated before a stream broke: the input, and no output", async () => {
    const { outcome } = await exchange(
      server,
      at(),
      sse({ type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 1 } } }),
      { stream: true },
    );
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "stream" } });
    expect(outcome.usage).toEqual({ inputTokens: 10 });
  });

  it("reports a ping as a sign of life, though the SDK keeps it to itself", async () => {
    const ping = 'event: ping\ndata: {"type": "ping"}\n\n';
    const { activity, pieces } = await exchange(server, at(), eventStream(ping, ping, ": comment\n\n"), {
      stream: true,
    });
    expect(activity).toBeGreaterThan(0);
    expect(pieces).toEqual([]);
  });

  it.each([
    ["stop_sequence", "stop"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool-calls"],
    ["refusal", "content-filter"],
    ["pause_turn", "other"],
    ["a_reason_of_the_future", "other"],
    ["constructor", "other"],
  ])("reads the finish reason %s as %s", async (raw, unified) => {
    const { outcome } = await exchange(server, at(), message({ stop_reason: raw }));
    expect(outcome).toMatchObject({ ok: true, finish: { unified, raw } });
  });

  it("calls a refusal without a word the request's failure", async () => {
    const { outcome } = await exchange(
      server,
      at(),
      message({ stop_reason: "refusal", content: [], usage: { input_tokens: 9, output_tokens: 0 } }),
    );
    expect(outcome).toMatchObject({
      ok: false,
      failure: { kind: "client" },
      usage: { inputTokens: 9, outputTokens: 0 },
    });
  });

  it("reports request id and limits, on success and on refusal", async () => {
    const headers = {
      "request-id": "req_1",
      "retry-after": "3",
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-input-tokens-limit": "30000",
      "anthropic-ratelimit-input-tokens-remaining": "29000",
      "anthropic-ratelimit-output-tokens-reset": new Date(Date.now() + 60_000).toISOString(),
    };
    const expected = {
      providerRequestId: "req_1",
      limits: {
        requests: { limit: 50, remaining: 49 },
        inputTokens: { limit: 30_000, remaining: 29_000 },
        outputTokens: { resetMs: expect.closeTo(60_000, -4) },
      },
    };
    const good = await exchange(server, at(), { ...message({}), headers });
    expect(good.outcome).toMatchObject({ ok: true, ...expected });
    const body = JSON.stringify({ type: "error", error: { type: "rate_limit_error", message: "Slow." } });
    const bad = await exchange(server, at(), { ...json(body, 429), headers });
    expect(bad.outcome).toMatchObject({ ok: false, failure: { kind: "rate", retryAfterMs: 3_000 }, ...expected });
  });
});

/** Answers with more than text in them, and those that are none. */
describe("anthropic's answers", () => {
  const message = (content: readonly object[], more: object = {}) =>
    json(JSON.stringify({ type: "message", role: "assistant", content, stop_reason: "end_turn", ...more }));
  const sse = (...events: readonly object[]) =>
    eventStream(
      ...events.map((event) => `event: ${"type" in event ? event.type : ""}\ndata: ${JSON.stringify(event)}\n\n`),
    );
  const at = () => anthropic.connect({ apiKey, baseUrl: server.url });
  const start = { type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 1 } } };
  const blockStart = (index: number, content_block: object) => ({ type: "content_block_start", index, content_block });
  const blockDelta = (index: number, delta: object) => ({ type: "content_block_delta", index, delta });
  const end = (stop_reason: string) => [
    { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 40 } },
    { type: "message_stop" },
  ];
  const parts = [
    { type: "reasoning", text: "Hm.", signature: "c2ln", provider: "anthropic" },
    { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy", provider: "anthropic" },
    { type: "text", text: "I look." },
    { type: "tool-call", id: "toolu_1", name: "look", input: { at: "wheel" } },
    { type: "tool-call", id: "toolu_2", name: "listen", input: {} },
  ];

  it("have thoughts with their seals, hidden ones too, and calls of tools", async () => {
    const { outcome } = await exchange(
      server,
      at(),
      message(
        [
          { type: "thinking", thinking: "Hm.", signature: "c2ln" },
          { type: "redacted_thinking", data: "Y2lwaGVy" },
          text("I look."),
          { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} },
          { type: "tool_use", id: "toolu_1", name: "look", input: { at: "wheel" } },
          { type: "tool_use", id: "toolu_2", name: "listen", input: {} },
        ],
        { stop_reason: "tool_use" },
      ),
    );
    expect(outcome).toMatchObject({ ok: true, text: "I look.", parts, finish: { unified: "tool-calls" } });
  });

  it("have the same in a stream, each piece as it comes", async () => {
    const { outcome, deltas } = await exchange(
      server,
      at(),
      sse(
        start,
        blockStart(0, { type: "thinking", thinking: "", signature: "" }),
        blockDelta(0, { type: "thinking_delta", thinking: "Hm." }),
        blockDelta(0, { type: "signature_delta", signature: "c2ln" }),
        { type: "content_block_stop", index: 0 },
        blockStart(1, { type: "redacted_thinking", data: "Y2lwaGVy" }),
        { type: "content_block_stop", index: 1 },
        blockStart(2, text("")),
        blockDelta(2, { type: "text_delta", text: "I look." }),
        blockStart(3, { type: "tool_use", id: "toolu_1", name: "look", input: {} }),
        blockDelta(3, { type: "input_json_delta", partial_json: "" }),
        blockDelta(3, { type: "input_json_delta", partial_json: '{"at":' }),
        blockDelta(3, { type: "input_json_delta", partial_json: '"wheel"}' }),
        blockStart(4, { type: "tool_use", id: "toolu_2", name: "listen", input: {} }),
        ...end("tool_use"),
      ),
      { stream: true },
    );
    expect(outcome).toMatchObject({ ok: true, text: "I look.", parts, usage: { inputTokens: 10, outputTokens: 40 } });
    expect(deltas).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "reasoning", text: "", signature: "c2ln", provider: "anthropic" },
      { type: "reasoning", text: "", signature: "redacted:Y2lwaGVy", provider: "anthropic" },
      { type: "text", text: "I look." },
      { type: "tool-call", index: 0, id: "toolu_1", name: "look", input: "" },
      { type: "tool-call", index: 0, input: '{"at":' },
      { type: "tool-call", index: 0, input: '"wheel"}' },
      { type: "tool-call", index: 1, id: "toolu_2", name: "listen", input: "" },
    ]);
  });

  it("are text alone where that is all there is", async () => {
    const { outcome } = await exchange(server, at(), message([text("Hi"), text(".")]));
    expect(outcome).toMatchObject({ ok: true, text: "Hi." });
    expect(outcome).not.toHaveProperty("parts");
  });

  it("count what was written to the cache by its lifetime", async () => {
    const cache_creation = { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 };
    const usage = { input_tokens: 5, cache_creation_input_tokens: 30, cache_creation, output_tokens: 7 };
    const written = { inputTokens: 35, cacheWriteTokens: 30, cacheWriteHourTokens: 20 };
    const whole = await exchange(server, at(), message([text("Hi.")], { usage }));
    expect(whole.outcome.usage).toEqual({ ...written, outputTokens: 7 });
    const streamed = await exchange(
      server,
      at(),
      sse({ type: "message_start", message: { usage } }, blockStart(0, text("Hi.")), ...end("end_turn")),
      { stream: true },
    );
    expect(streamed.outcome.usage).toEqual({ ...written, outputTokens: 40 });
    const { cache_creation_input_tokens: _, ...unsummed } = usage;
    const summed = await exchange(server, at(), message([text("Hi.")], { usage: unsummed }));
    expect(summed.outcome.usage).toEqual({ ...written, outputTokens: 7 });
  });

  it("end with their last event: what comes after it counts for nothing", async () => {
    const late = blockDelta(0, { type: "text_delta", text: " More." });
    const { outcome, pieces } = await exchange(
      server,
      at(),
      sse(start, blockStart(0, text("Hi.")), ...end("end_turn"), late, { type: "error", error: { type: "api_error" } }),
      { stream: true },
    );
    expect(outcome).toMatchObject({ ok: true, text: "Hi." });
    expect(pieces).toEqual(["Hi."]);
  });

  it("that were refused say why", async () => {
    const stop_details = { type: "refusal", category: "bio", explanation: "It could enable harm." };
    const { outcome } = await exchange(server, at(), message([], { stop_reason: "refusal", stop_details }));
    expect(outcome).toMatchObject({
      ok: false,
      failure: { kind: "client", code: "refusal", message: expect.stringContaining("bio: It could enable harm.") },
    });
  });

  it("that are empty are the server's failure, but behind a tool's result the model may have nothing to say", async () => {
    for (const empty of [message([]), sse(start, ...end("end_turn"))]) {
      const { outcome } = await exchange(server, at(), empty, { stream: empty.headers !== undefined });
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "server", message: "the answer is empty" } });
    }
    const messages = [
      { role: "user" as const, content: [text("Look.")] },
      { role: "assistant" as const, content: [{ type: "tool-call" as const, id: "t", name: "look", input: {} }] },
      { role: "tool" as const, content: [{ type: "tool-result" as const, id: "t", content: "It turns." }] },
    ];
    const { outcome } = await exchange(server, at(), message([]), { body: { messages } });
    expect(outcome).toMatchObject({ ok: true, text: "" });
  });

  it.each([
    ["tool_use", "server", "JSON object"],
    ["max_tokens", "client", "cut a tool call"],
  ])("with a tool call of broken JSON that ends with %s are a %s failure", async (reason, kind, words) => {
    const broken = [{ type: "tool_use", id: "t", name: "look", input: "wheel" }];
    const whole = await exchange(server, at(), message(broken, { stop_reason: reason }));
    const streamed = await exchange(
      server,
      at(),
      sse(
        start,
        blockStart(0, { type: "tool_use", id: "t", name: "look", input: {} }),
        blockDelta(0, { type: "input_json_delta", partial_json: '{"at":' }),
        ...end(reason),
      ),
      { stream: true },
    );
    for (const { outcome } of [whole, streamed]) {
      expect(outcome).toMatchObject({ ok: false, failure: { kind, message: expect.stringContaining(words) } });
    }
    expect(streamed.outcome.usage).toEqual({ inputTokens: 10, outputTokens: 40 });
  });

  it("are not asked for where the request cannot be carried", async () => {
    const before = server.requests.length;
    const sound = { type: "audio" as const, source: { data: "AAAA", mediaType: "audio/wav" } };
    const { outcome } = await call(at(), { model: "m", body: { messages: [{ role: "user", content: [sound] }] } });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "client", message: "Claude takes no audio" } });
    expect(server.requests.length).toBe(before);
  });

  it("carry the betas that were asked for in a header", async () => {
    const providerOptions = { anthropic: { betas: ["files-api-2025-04-14"] } };
    const { sent } = await exchange(server, at(), message([text("Hi.")]), { body: { providerOptions } });
    expect(sent.headers.get("anthropic-beta")).toBe("files-api-2025-04-14");
    expect(sent.body).not.toHaveProperty("betas");
  });
});
