/** How a request goes out to OpenAI, and answers that only it gives. Its real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openai } from "../../src/provider/adapters/openai.ts";
import { apiKey, conversation, exchange, sampling, text } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer();
});
afterAll(() => server.stop());

describe("openai", () => {
  const choice = (more: object = {}, words: object = { content: "Hi." }) => ({
    index: 0,
    message: { role: "assistant", ...words },
    finish_reason: "stop",
    ...more,
  });
  const completion = (...choices: readonly object[]) => json(JSON.stringify({ id: "chatcmpl-1", choices }));
  const sse = (...chunks: readonly object[]) =>
    eventStream(...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), "data: [DONE]\n\n");
  const at = () => openai.connect({ apiKey, baseUrl: `${server.url}/v1` });

  it("sends system, turns and stop sequences, and no output limit where the caller has none", async () => {
    const { sent } = await exchange(server, at(), completion(choice()), { body: conversation });
    expect(sent.path).toBe("/v1/chat/completions");
    expect(sent.headers.get("authorization")).toBe(`Bearer ${apiKey}`);
    expect(sent.body).toEqual({
      model: "some-model",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: [text("Hello"), text("there")] },
        { role: "assistant", content: "Hi." },
        { role: "user", content: "Go on" },
      ],
      stop: ["END", "STOP"],
    });
  });

  it("sends sampling parameters, asks a stream for its usage, and leaves out topK", async () => {
    const { sent } = await exchange(server, at(), completion(choice()), { body: sampling, stream: true });
    expect(sent.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 99,
      temperature: 0,
      top_p: 0.9,
      seed: 7,
    });
    expect(sent.body).not.toHaveProperty("top_k");
    expect(sent.body).not.toHaveProperty("max_tokens");
  });

  it("reads cached and reasoning tokens as parts of input and output", async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 80, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 40 },
    };
    const { outcome } = await exchange(server, at(), json(JSON.stringify({ choices: [choice()], usage })));
    expect(outcome.usage).toEqual({
      inputTokens: 100,
      outputTokens: 50,
      cacheReadTokens: 80,
      audioInputTokens: 0,
      reasoningTokens: 40,
    });
  });

  it("reads a stream with other choices, empty choices and a late usage", async () => {
    const { outcome, pieces } = await exchange(
      server,
      at(),
      sse(
        { choices: [], prompt_filter_results: [] },
        { choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] },
        { choices: [{ index: 1, delta: { content: "not this" }, finish_reason: "length" }] },
        { choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { content: "." }, finish_reason: "stop" }] },
        { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
      ),
      { stream: true },
    );
    expect(outcome).toMatchObject({
      ok: true,
      text: "Hi.",
      finish: { unified: "stop", raw: "stop" },
      usage: { inputTokens: 3, outputTokens: 2 },
    });
    expect(pieces).toEqual(["Hi", "."]);
  });

  it("reads a stream whose comments keep it alive as alive", async () => {
    const comment = ": PROCESSING\n\n";
    const { activity } = await exchange(server, at(), eventStream(comment, comment, comment), { stream: true });
    expect(activity).toBeGreaterThan(0);
  });

  it.each([
    ["length", "length"],
    ["tool_calls", "tool-calls"],
    ["function_call", "tool-calls"],
    ["content_filter", "content-filter"],
    ["a_reason_of_the_future", "other"],
  ])("reads the finish reason %s as %s", async (raw, unified) => {
    const { outcome } = await exchange(server, at(), completion(choice({ finish_reason: raw })));
    expect(outcome).toMatchObject({ ok: true, finish: { unified, raw } });
  });

  it("hands a refusal on as text that was filtered, whole and streamed", async () => {
    const expected = { ok: true, text: "I can't.", finish: { unified: "content-filter", raw: "stop" } };
    const whole = await exchange(server, at(), completion(choice({}, { content: null, refusal: "I can't." })));
    expect(whole.outcome).toMatchObject(expected);
    const streamed = await exchange(
      server,
      at(),
      sse(
        { choices: [{ index: 0, delta: { refusal: "I can" }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { refusal: "'t." }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      ),
      { stream: true },
    );
    expect(streamed.outcome).toMatchObject(expected);
  });

  it("calls a filtered answer without a word the request's failure", async () => {
    const { outcome } = await exchange(
      server,
      at(),
      completion(choice({ finish_reason: "content_filter" }, { content: null })),
    );
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "client", code: "content_filter" } });
  });

  it("keeps an answer that is empty because all of it was reasoning", async () => {
    const { outcome } = await exchange(server, at(), completion(choice({ finish_reason: "length" }, { content: "" })));
    expect(outcome).toMatchObject({ ok: true, text: "", finish: { unified: "length" } });
  });

  it("reads an error that came instead of a stream, with status 200", async () => {
    const body = JSON.stringify({
      error: { message: "Rate limit reached.", type: "requests", code: "rate_limit_exceeded" },
    });
    const { outcome } = await exchange(server, at(), json(body), { stream: true });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "rate", message: "Rate limit reached." } });
  });

  it("reports request id and limits, on success and on refusal", async () => {
    const headers = {
      "x-request-id": "req_1",
      "retry-after-ms": "250",
      "x-ratelimit-limit-requests": "500",
      "x-ratelimit-remaining-requests": "499",
      "x-ratelimit-reset-requests": "120ms",
      "x-ratelimit-limit-tokens": "30000",
      "x-ratelimit-remaining-tokens": "29996",
      "x-ratelimit-reset-tokens": "1m12s",
    };
    const expected = {
      providerRequestId: "req_1",
      limits: {
        requests: { limit: 500, remaining: 499, resetMs: 120 },
        tokens: { limit: 30_000, remaining: 29_996, resetMs: 72_000 },
      },
    };
    expect((await exchange(server, at(), { ...completion(choice()), headers })).outcome).toMatchObject({
      ok: true,
      ...expected,
    });
    expect((await exchange(server, at(), { ...json("{}", 429), headers })).outcome).toMatchObject({
      ok: false,
      failure: { kind: "rate", retryAfterMs: 250 },
      ...expected,
    });
  });
});
