/** How a request goes out to Anthropic, and answers that only it gives. Its real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anthropic } from "../../src/provider/adapters/anthropic.ts";
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
