/** How requests go out to Vertex, and how it is asked for leave. A real token server, over real sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { vertex } from "../../src/provider/adapters/vertex.ts";
import { call } from "../support/call.ts";
import { conversation, exchange, text } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { json } from "../support/wires.ts";
import { describeConformance } from "./conformance.ts";
import { describeGeminiAnswers } from "./gemini-answers.ts";
import { type GoogleCloud, startGoogleCloud } from "./google-cloud.ts";
import { aimockAtVertex, simulatorAtVertex } from "./vertex-judges.ts";

describeConformance(vertex, simulatorAtVertex("google", "gemini-3.5-flash"));
describeConformance(vertex, simulatorAtVertex("anthropic", "claude-haiku-4-5"));
describeConformance(vertex, aimockAtVertex);

const token = "ya29.0123456789-abcdWXYZ";
let server: WireServer;
let cloud: GoogleCloud;
let account: string;
beforeAll(async () => {
  [server, cloud] = await Promise.all([startWireServer(), startGoogleCloud()]);
  account = await cloud.accountFile("account", token);
});
afterEach(() => {
  cloud.refuse = undefined;
  vi.unstubAllEnvs();
});
afterAll(() => Promise.all([server.stop(), cloud.stop()]));

const connect = (more: Readonly<Record<string, string>> = {}, apiKey = account) =>
  vertex.connect({ apiKey, baseUrl: `${server.url}/`, more });

describeGeminiAnswers({
  provider: "vertex",
  thinker: "vertex-gemini",
  model: "gemini-3.5-flash",
  connect: (baseUrl) => vertex.connect({ apiKey: account, baseUrl }),
});

const gemini = {
  candidates: [{ content: { parts: [{ text: "Hi." }] }, finishReason: "STOP" }],
  responseId: "resp-1",
};
const claude = {
  id: "msg_vrtx_1",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "Hi." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 12, output_tokens: 7 },
};
const whole = (body: object, status = 200) => json(JSON.stringify(body), status);

describe("vertex", () => {
  it("asks for Gemini at the project, the location and the publisher, with the token", async () => {
    const line = connect({ project: "other-7", location: "europe-west4" });
    const { sent, outcome } = await exchange(server, line, whole(gemini), {
      model: "gemini-3.5-flash",
      body: { ...conversation, providerOptions: { vertex: { labels: { team: "mill" } }, gemini: { labels: {} } } },
    });
    expect(outcome).toMatchObject({ ok: true, text: "Hi.", providerRequestId: "resp-1" });
    expect(sent.path).toBe(
      "/v1/projects/other-7/locations/europe-west4/publishers/google/models/gemini-3.5-flash:generateContent",
    );
    expect(sent.headers.get("authorization")).toBe(`Bearer ${token}`);
    expect(sent.body).toMatchObject({
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user" }, { role: "model" }, { role: "user" }],
      labels: { team: "mill" },
    });
  });

  it("takes the project of the account and the global location where nobody says", async () => {
    const { sent } = await exchange(server, connect(), whole(gemini), { model: "gemini-3.5-flash" });
    expect(sent.path).toMatch(/^\/v1\/projects\/mill-42\/locations\/global\//);
  });

  it("asks for Claude with the version in the body and the model in the address", async () => {
    const { sent, outcome } = await exchange(server, connect(), whole(claude), { model: "claude-haiku-4-5@20251001" });
    expect(outcome).toMatchObject({ ok: true, text: "Hi.", usage: { inputTokens: 12, outputTokens: 7 } });
    expect(sent.path).toBe(
      "/v1/projects/mill-42/locations/global/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict",
    );
    expect(sent.headers.get("authorization")).toBe(`Bearer ${token}`);
    expect(sent.body).toMatchObject({ anthropic_version: "vertex-2023-10-16", max_tokens: 512 });
    expect(sent.body).not.toHaveProperty("model");
  });

  it("fetches one token for calls that begin at once, and keeps it", async () => {
    const before = cloud.tokens();
    const line = connect();
    server.answer = () => whole(gemini);
    const ask = () => call(line, { model: "gemini-3.5-flash" });
    await Promise.all([ask(), ask(), ask()]);
    await ask();
    expect(cloud.tokens() - before).toBe(1);
  });

  it("asks the metadata server of the machine where a project is all there is", async () => {
    vi.stubEnv("GCE_METADATA_HOST", cloud.host);
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", "");
    vi.stubEnv("CLOUDSDK_CONFIG", "/nowhere");
    vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
    const { sent, outcome } = await exchange(server, connect({ project: "mill-42" }, "mill-42"), whole(gemini), {
      model: "gemini-3.5-flash",
    });
    expect(outcome).toMatchObject({ ok: true });
    expect(sent.headers.get("authorization")).toBe("Bearer ya29.of-the-machine");
  });

  it.each([
    [400, { error: "invalid_grant", error_description: "Invalid JWT Signature." }, "auth", "invalid_grant"],
    [503, { error: "unavailable" }, "server", "503"],
  ])("reads a token server's %i", async (status, body, kind, word) => {
    cloud.refuse = { status, body };
    const before = server.requests.length;
    const { outcome } = await call(connect(), { model: "gemini-3.5-flash" });
    expect(outcome).toMatchObject({ ok: false, failure: { kind, message: expect.stringContaining(word) } });
    expect(server.requests.length).toBe(before);
  });

  it("calls a token server that hangs up the network's failure, and comes back", async () => {
    const line = connect();
    cloud.refuse = "reset";
    const { outcome } = await call(line, { model: "gemini-3.5-flash" });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
    cloud.refuse = undefined;
    server.answer = () => whole(gemini);
    expect((await call(line, { model: "gemini-3.5-flash" })).outcome).toMatchObject({ ok: true });
  });

  it("calls a credential that cannot be used the credential's failure, and quotes nothing of it", async () => {
    const service = { type: "service_account", client_email: "a@b", token_uri: `http://${cloud.host}/token` };
    const files = [
      await cloud.file("text", "private words"),
      await cloud.file("json", JSON.stringify({ type: "service_account", private_key: "private words" })),
      await cloud.file("odd", JSON.stringify({ type: "none", client_secret: "private words" })),
      await cloud.file("key", JSON.stringify({ ...service, private_key: "-----BEGIN PRIVATE KEY-----\nprivate" })),
      "/nowhere/at/all",
    ];
    for (const file of files) {
      const { outcome } = await call(connect({ project: "mill-42" }, file), { model: "gemini-3.5-flash" });
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "auth" } });
      expect(JSON.stringify(outcome)).not.toContain("private");
    }
  });

  it("stops waiting for a token at once when it is told", async () => {
    const stop = new AbortController();
    const asked = call(connect(), { model: "gemini-3.5-flash", signal: stop.signal });
    stop.abort(new DOMException("total", "TimeoutError"));
    expect((await asked).outcome).toMatchObject({ ok: false, failure: { kind: "timeout" } });
  });

  it.each([
    ["gemini-3.5-flash", "Resource exhausted. Please try again later. Please refer to the docs.", "capacity"],
    ["gemini-3.5-flash", "Too many requests. Exceeded the Provisioned Throughput.", "rate"],
    ["claude-haiku-4-5", "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests.", "rate"],
  ])("reads a 429 for %s that says %s", async (model, message, kind) => {
    const body = { error: { code: 429, message, status: "RESOURCE_EXHAUSTED" } };
    for (const answer of [body, [body]]) {
      const { outcome } = await exchange(server, connect(), whole(answer, 429), { model });
      expect(outcome).toMatchObject({ ok: false, failure: { kind, message, code: "RESOURCE_EXHAUSTED" } });
    }
  });

  it("sends thoughts of Claude to Claude only, and those of Gemini to Gemini only", async () => {
    const messages = [
      { role: "user" as const, content: [text("Hello")] },
      {
        role: "assistant" as const,
        content: [
          { type: "reasoning" as const, text: "a", signature: "of-claude", provider: "vertex" },
          { type: "reasoning" as const, text: "b", signature: "of-gemini", provider: "vertex-gemini" },
          text("Hi."),
        ],
      },
      { role: "user" as const, content: [text("Go on")] },
    ];
    const sentTo = async (model: string, answer: object) =>
      JSON.stringify((await exchange(server, connect(), whole(answer), { model, body: { messages } })).sent.body);
    const toClaude = await sentTo("claude-haiku-4-5", claude);
    expect(toClaude).toContain("of-claude");
    expect(toClaude).not.toContain("of-gemini");
    const toGemini = await sentTo("gemini-3.5-flash", gemini);
    expect(toGemini).toContain("of-gemini");
    expect(toGemini).not.toContain("of-claude");
  });

  const embed = (reply: object) => {
    server.answer = () => whole(reply);
    const model = "gemini-embedding-001";
    const body = { operation: "embedding" as const, model, input: ["a", "b"], dimensions: 2 };
    const io = { signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} };
    return connect().embedding?.({ model, body, stream: false, defaultMaxOutputTokens: 9 }, io);
  };
  const prediction = (values: readonly number[], token_count: number) => ({
    embeddings: { values, statistics: { token_count, truncated: false } },
  });

  it("embeds texts in one prediction, and counts their tokens", async () => {
    expect(await embed({ predictions: [prediction([1, 2], 3), prediction([3, 4], 5)] })).toMatchObject({
      ok: true,
      embeddings: [
        [1, 2],
        [3, 4],
      ],
      usage: { inputTokens: 8 },
    });
    expect(server.requests.at(-1)).toMatchObject({
      path: expect.stringContaining("/publishers/google/models/gemini-embedding-001:predict"),
      body: {
        instances: [{ content: "a" }, { content: "b" }],
        parameters: { outputDimensionality: 2, autoTruncate: false },
      },
    });
    expect(await embed({ predictions: [prediction([1, 2], 3)] })).toMatchObject({
      ok: false,
      failure: { kind: "server" },
    });
  });
});
