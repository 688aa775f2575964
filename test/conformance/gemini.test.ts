/** How a request goes out to Gemini, and answers that only it gives. Its real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gemini } from "../../src/provider/adapters/gemini.ts";
import { apiKey, conversation, exchange, sampling } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";
import { describeGeminiAnswers } from "./gemini-answers.ts";

describeGeminiAnswers({
  provider: "gemini",
  thinker: "gemini",
  model: "gemini-3.5-flash",
  connect: (baseUrl) => gemini.connect({ apiKey, baseUrl }),
});

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer();
});
afterAll(() => server.stop());

describe("gemini", () => {
  const answer = (more: object = {}, parts: readonly object[] = [{ text: "Hi." }]) => ({
    candidates: [{ content: { parts, role: "model" }, finishReason: "STOP", index: 0 }],
    responseId: "resp-1",
    ...more,
  });
  const whole = (body: object) => json(JSON.stringify(body));
  const sse = (...chunks: readonly object[]) =>
    eventStream(...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`));
  const at = () => gemini.connect({ apiKey, baseUrl: `${server.url}/` });

  it("sends system, turns, stop sequences and every sampling parameter", async () => {
    const { sent } = await exchange(server, at(), whole(answer()), { body: { ...conversation, ...sampling } });
    expect(sent.path).toBe("/v1beta/models/some-model:generateContent");
    expect(sent.headers.get("x-goog-api-key")).toBe(apiKey);
    expect(sent.body).toMatchObject({
      systemInstruction: { role: "system", parts: [{ text: "Be brief." }] },
      contents: [
        { role: "user", parts: [{ text: "Hello" }, { text: "there" }] },
        { role: "model", parts: [{ text: "Hi." }] },
        { role: "user", parts: [{ text: "Go on" }] },
      ],
      generationConfig: {
        stopSequences: ["END", "STOP"],
        maxOutputTokens: 99,
        temperature: 0,
        topP: 0.9,
        topK: 40,
        seed: 7,
      },
    });
  });

  it("streams over the streaming address", async () => {
    const { sent, outcome } = await exchange(server, at(), sse(answer()), { stream: true });
    expect(sent.path).toBe("/v1beta/models/some-model:streamGenerateContent?alt=sse");
    expect(outcome).toMatchObject({ ok: true, text: "Hi.", providerRequestId: "resp-1" });
  });

  it("counts thoughts as output and keeps them out of the text", async () => {
    const usageMetadata = {
      promptTokenCount: 10,
      cachedContentTokenCount: 4,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 20,
      totalTokenCount: 35,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 10 }],
    };
    const { outcome } = await exchange(
      server,
      at(),
      whole(answer({ usageMetadata }, [{ text: "Hm.", thought: true }, { text: "Hi." }])),
    );
    expect(outcome).toMatchObject({ ok: true, text: "Hi." });
    expect(outcome.usage).toEqual({ inputTokens: 10, outputTokens: 25, cacheReadTokens: 4, reasoningTokens: 20 });
  });

  it("tells a missing output count by the total, and by nothing else", async () => {
    const usage = async (usageMetadata: object) =>
      (await exchange(server, at(), whole(answer({ usageMetadata })))).outcome.usage;
    expect(await usage({ promptTokenCount: 10, thoughtsTokenCount: 90, totalTokenCount: 100 })).toEqual({
      inputTokens: 10,
      outputTokens: 90,
      reasoningTokens: 90,
    });
    expect(await usage({ promptTokenCount: 10 })).toEqual({ inputTokens: 10 });
    expect(await usage({ totalTokenCount: 10 })).toEqual({});
  });

  it.each([
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content-filter"],
    ["RECITATION", "content-filter"],
    ["PROHIBITED_CONTENT", "content-filter"],
    ["A_REASON_OF_THE_FUTURE", "other"],
  ])("reads the finish reason %s as %s", async (raw, unified) => {
    const { candidates } = answer();
    const body = { candidates: candidates.map((candidate) => ({ ...candidate, finishReason: raw })) };
    expect((await exchange(server, at(), whole(body))).outcome).toMatchObject({
      ok: true,
      text: "Hi.",
      finish: { unified, raw },
    });
    expect((await exchange(server, at(), sse(body), { stream: true })).outcome).toMatchObject({
      ok: true,
      finish: { unified, raw },
    });
  });

  it("calls an answer blocked to the last word the request's failure", async () => {
    const body = {
      candidates: [{ finishReason: "SAFETY", index: 0 }],
      usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
    };
    for (const [reply, stream] of [
      [whole(body), false],
      [sse(body), true],
    ] as const) {
      const { outcome } = await exchange(server, at(), reply, { stream });
      expect(outcome).toMatchObject({
        ok: false,
        failure: { kind: "client", code: "SAFETY" },
        usage: { inputTokens: 10 },
      });
    }
  });

  it("calls a blocked prompt the request's failure, with the reason", async () => {
    const body = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
    };
    for (const [reply, stream] of [
      [whole(body), false],
      [sse(body), true],
    ] as const) {
      const { outcome } = await exchange(server, at(), reply, { stream });
      expect(outcome).toMatchObject({
        ok: false,
        failure: { kind: "client", code: "PROHIBITED_CONTENT", message: "the prompt is blocked: PROHIBITED_CONTENT" },
        usage: { inputTokens: 10 },
      });
    }
  });

  it("takes the provider's words, its details and its wait out of what the SDK glued together", async () => {
    const details = [
      {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
      },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "46s" },
    ];
    const message = "You exceeded your current quota: [see] the docs.";
    const body = JSON.stringify({ error: { code: 429, message, status: "RESOURCE_EXHAUSTED", details } });
    for (const stream of [false, true]) {
      const { outcome } = await exchange(server, at(), json(body, 429), { stream });
      expect(outcome).toEqual({
        ok: false,
        failure: {
          kind: "quotaDay",
          message,
          status: 429,
          code: "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
          retryAfterMs: 46_000,
        },
      });
    }
  });

  it("reads an error in the body of a success by its kind, also before a stream", async () => {
    const body = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } };
    for (const stream of [false, true]) {
      const { outcome } = await exchange(server, at(), whole(body), { stream });
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "capacity" } });
    }
  });

  it("streams with its key and the mark of its request, and follows no redirect with them", async () => {
    const { sent } = await exchange(server, at(), sse(answer()), { stream: true, correlation: "r-1" });
    expect(sent.headers.get("x-goog-api-key")).toBe(apiKey);
    expect(sent.headers.get("x-millrace-request")).toBe("r-1");
    const before = server.requests.length;
    const away = { status: 302, headers: { location: `${server.url}/elsewhere` }, pieces: [] };
    expect((await exchange(server, at(), away, { stream: true })).outcome).toMatchObject({ ok: false });
    expect(server.requests.length - before).toBe(1);
  });

  it("streams from a model that was tuned, by its full name", async () => {
    const { sent } = await exchange(server, at(), sse(answer()), { stream: true, model: "tunedModels/mine" });
    expect(sent.path).toBe("/v1beta/tunedModels/mine:streamGenerateContent?alt=sse");
    const elsewhere = await exchange(server, at(), sse(answer()), { stream: true, model: "models/../../v1/x?y" });
    expect(elsewhere.sent.path).toBe("/v1beta/models/..%2F..%2Fv1%2Fx%3Fy:streamGenerateContent?alt=sse");
  });

  it("reads a stream cut inside an event as a cut stream", async () => {
    const { outcome } = await exchange(server, at(), eventStream('data: {"candidates": [{"content"'), { stream: true });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "stream" } });
  });

  const embed = (input: readonly string[], reply: object | string) => {
    server.answer = () => json(typeof reply === "string" ? reply : JSON.stringify(reply));
    const body = {
      operation: "embedding" as const,
      model: "gemini-embedding-001",
      input: [...input],
      dimensions: 3,
      providerOptions: { gemini: { taskType: "CLUSTERING" } },
    };
    const io = { signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} };
    return at().embedding?.({ model: body.model, body, stream: false, defaultMaxOutputTokens: 9 }, io);
  };

  it("embeds texts in one request, in order", async () => {
    const outcome = await embed(["a", "b"], {
      embeddings: [{ values: [0.1, 0.2, 0.3] }, { values: [0.4, 0.5, 0.6] }],
      usageMetadata: { promptTokenCount: 2 },
    });
    expect(outcome).toMatchObject({
      ok: true,
      text: "",
      embeddings: [
        [0.1, 0.2, 0.3],
        [0.4, 0.5, 0.6],
      ],
      usage: { inputTokens: 2 },
    });
    const request = (text: string) => ({
      model: "models/gemini-embedding-001",
      content: { role: "user", parts: [{ text }] },
      outputDimensionality: 3,
      taskType: "CLUSTERING",
    });
    expect(server.requests.at(-1)).toMatchObject({
      path: "/v1beta/models/gemini-embedding-001:batchEmbedContents",
      body: { requests: [request("a"), request("b")] },
    });
  });

  it.each([{}, { embeddings: [] }, { embeddings: [{ values: [] }] }, { embeddings: [{ values: ["a"] }] }, "<html>"])(
    "calls %j instead of vectors the server's failure",
    async (reply) => {
      expect(await embed(["a"], reply)).toMatchObject({ ok: false, failure: { kind: "server" } });
    },
  );
});
