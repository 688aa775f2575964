/** Bedrock through the real AWS SDK and a real socket, against a wire of our own hand: signatures, answers, faults. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bedrock } from "../../src/provider/adapters/bedrock.ts";
import type { Connection, ConnectionSettings } from "../../src/provider/provider.ts";
import type { ChatBody, EmbeddingBody } from "../../src/request/body.ts";
import { type CallWish, call } from "../support/call.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import {
  event,
  exception,
  frame,
  isSigned,
  metadata,
  opening,
  piece,
  refusal,
  stop,
  stream,
  usage,
  whole,
} from "./bedrock-wire.ts";

const model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const token = "bedrock-api-key-0123456789-WXYZ";
const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE+KEY";
const sessionToken = "IQoJb3JpZ2luX2VjEXAMPLETOKEN==";
const keys = { apiKey: "AKIAEXAMPLE0123456WX", more: { region: "eu-central-1", secretAccessKey, sessionToken } };
/** The bound of the specification: an abort ends the call within this time. */
const abortMs = 100;

let server: WireServer;
let connection: Connection;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  server = await startWireServer();
  connection = connect({ apiKey: token });
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  await new Promise(setImmediate);
  expect(unhandled).toEqual([]);
});
afterAll(async () => {
  process.off("unhandledRejection", onUnhandled);
  await server.stop();
});

const connect = (settings: ConnectionSettings): Connection => bedrock.connect({ baseUrl: server.url, ...settings });
const ask = (wish: Partial<CallWish> = {}, at = connection) => call(at, { model, ...wish });
const failureOf = async (wish: Partial<CallWish> = {}, at = connection) => {
  const seen = await ask(wish, at);
  if (seen.outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(seen.outcome)}`);
  return { ...seen, failure: seen.outcome.failure };
};
const say = (answer: Parameters<typeof whole>[0], more?: object) => {
  server.answer = () => whole(answer, more);
};
const lastSent = () => {
  const last = server.requests.at(-1);
  if (last === undefined) throw new Error("nothing arrived");
  return last;
};
const silent = () => ({ signal: new AbortController().signal, onDelta() {}, onActivity() {} });

describe("credentials of bedrock", () => {
  it("sign each request with the keys and the session's token, for their region", async () => {
    say([{ text: "Mills." }]);
    expect((await ask({ correlation: "req-42" }, connect(keys))).outcome).toMatchObject({ ok: true });
    const sent = lastSent();
    expect(sent.path).toBe(`/model/${encodeURIComponent(model)}/converse`);
    expect(sent.headers.get("x-amz-security-token")).toBe(sessionToken);
    expect(sent.headers.get("x-millrace-request")).toBe("req-42");
    expect(sent.headers.get("authorization")).toContain("x-millrace-request");
    expect(isSigned(sent, secretAccessKey, "eu-central-1")).toBe(true);
    expect(isSigned(sent, "another key", "eu-central-1")).toBe(false);
    expect(isSigned(sent, secretAccessKey, "us-east-1")).toBe(false);
    expect(isSigned({ ...sent, body: { messages: [] } }, secretAccessKey, "eu-central-1")).toBe(false);
  });

  it("are a token where there is one, and nothing is signed then", async () => {
    say([{ text: "Mills." }]);
    await ask();
    expect(lastSent().headers.get("authorization")).toBe(`Bearer ${token}`);
    await ask({}, connect({ ...keys, more: { ...keys.more, bearerToken: token } }));
    expect(lastSent().headers.get("authorization")).toBe(`Bearer ${token}`);
  });

  it("that a profile should give and does not are this credential's failure", async () => {
    const { failure } = await failureOf(
      {},
      connect({ apiKey: "no-such-profile", more: { profile: "no-such-profile", region: "us-east-1" } }),
    );
    expect(failure.kind).toBe("auth");
  });

  it("do not show in a failure, whatever AWS says of them", async () => {
    const canonical = `x-amz-security-token:${sessionToken}`;
    const echo = `The key ${keys.apiKey} with ${secretAccessKey} and ${sessionToken} is wrong. The Canonical String for this request should have been ${canonical}`;
    server.answer = () => refusal(403, "InvalidSignatureException", echo);
    const { outcome, failure } = await failureOf({}, connect(keys));
    expect(failure.kind).toBe("auth");
    for (const secret of [keys.apiKey, secretAccessKey, sessionToken]) {
      expect(JSON.stringify(outcome)).not.toContain(secret);
    }
    server.answer = () => refusal(403, "AccessDeniedException", `Token ${token} has expired`);
    expect((await failureOf()).failure.message).toBe("Token [key] has expired");
  });

  it("are probed without running a model", async () => {
    server.answer = () => ({ pieces: [JSON.stringify({ asyncInvokeSummaries: [] })] });
    expect(await connection.probe(silent())).toMatchObject({ ok: true, text: "signed in", usage: {} });
    expect(lastSent()).toMatchObject({ method: "GET", path: "/async-invoke?maxResults=1" });
    const words = "User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:ListAsyncInvokes on resource: *";
    server.answer = () => refusal(403, "AccessDeniedException", words);
    expect(await connection.probe(silent())).toMatchObject({ ok: true });
    server.answer = () =>
      refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
    expect(await connection.probe(silent())).toMatchObject({ ok: false, failure: { kind: "auth", status: 403 } });
  });
});

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
        delta(1, { reasoningContent: { redactedContent: "Y2lwaGVy" } }),
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

describe("vectors of bedrock", () => {
  const embed = (asked: Partial<EmbeddingBody>, modelId = "amazon.titan-embed-text-v2:0") => {
    const body: EmbeddingBody = { operation: "embedding", model: modelId, input: ["Mills"], ...asked };
    const more = { stream: false, defaultMaxOutputTokens: 512, correlation: "req-42" };
    return connection.embedding?.({ model: modelId, body, ...more }, silent());
  };
  const reply = (answer: unknown) => {
    server.answer = () => ({ headers: { "x-amzn-requestid": "req-1" }, pieces: [JSON.stringify(answer)] });
  };

  it("come from Titan, one for the one text it takes", async () => {
    reply({ embedding: [0.1, 0.2], inputTextTokenCount: 3 });
    expect(await embed({ dimensions: 2 })).toMatchObject({
      ok: true,
      text: "",
      embeddings: [[0.1, 0.2]],
      usage: { inputTokens: 3 },
      providerRequestId: "req-1",
    });
    expect(lastSent().body).toEqual({ inputText: "Mills", dimensions: 2 });
    expect(lastSent().headers.get("x-millrace-request")).toBe("req-42");
    const before = server.requests.length;
    expect(await embed({ input: ["Mills", "Rivers"] })).toMatchObject({ ok: false, failure: { kind: "client" } });
    expect(server.requests.length).toBe(before);
  });

  it("come from Cohere, one for each text, in either form", async () => {
    for (const embeddings of [[[1], [2]], { float: [[1], [2]] }]) {
      reply({ embeddings });
      const outcome = await embed({ input: ["Mills", "Rivers"] }, "cohere.embed-v4:0");
      expect(outcome).toMatchObject({ ok: true, embeddings: [[1], [2]], usage: {} });
    }
    expect(lastSent().body).toEqual({ texts: ["Mills", "Rivers"], input_type: "search_document" });
  });

  it("that are too few, none or no numbers are the server's failure", async () => {
    for (const answer of [{}, { embedding: [] }, { embedding: ["a"] }, "words", { embeddings: [] }]) {
      reply(answer);
      expect(await embed({})).toMatchObject({ ok: false, failure: { kind: "server" } });
    }
    reply({ embeddings: [[1]] });
    expect(await embed({ input: ["Mills", "Rivers"] }, "cohere.embed-v4:0")).toMatchObject({ ok: false });
    server.answer = () => refusal(429, "ThrottlingException", "Too many requests");
    expect(await embed({})).toMatchObject({ ok: false, failure: { kind: "rate" } });
  });
});

describe("bedrock's refusals", () => {
  it.each([
    [429, "ThrottlingException", "Too many requests, please wait before trying again.", "rate"],
    [429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", "quotaDay"],
    [429, "ThrottlingException", "Too many concurrent requests", "concurrency"],
    [400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account.", "quotaHard"],
    [429, "ModelNotReadyException", "The model is not ready", "capacity"],
    [503, "ServiceUnavailableException", "Bedrock is unable to process your request.", "capacity"],
    [500, "InternalServerException", "Internal error", "server"],
    [424, "ModelErrorException", "The model failed", "server"],
    [408, "ModelTimeoutException", "Model has timed out", "timeout"],
    [400, "ValidationException", "The provided model identifier is invalid.", "client"],
    [404, "ResourceNotFoundException", "Could not resolve the model", "client"],
    [403, "AccessDeniedException", "You don't have access to the model", "auth"],
    [403, "ExpiredTokenException", "The security token included in the request is expired", "auth"],
    [403, "UnrecognizedClientException", "The security token included in the request is invalid.", "auth"],
    [418, "AnExceptionOfTheFuture", "Who knows", "client"],
  ])("%i %s (%s) are %s, whole and streamed, after one request", async (status, name, message, kind) => {
    for (const isStreamed of [false, true]) {
      server.answer = () => ({
        ...refusal(status, name, message),
        headers: { ...refusal(status, name, message).headers, "retry-after": "3" },
      });
      const before = server.requests.length;
      const { outcome } = await failureOf({ stream: isStreamed });
      expect(outcome).toMatchObject({
        failure: { kind, status, message, code: name, retryAfterMs: 3_000 },
        providerRequestId: "req-1",
      });
      expect(server.requests.length - before).toBe(1);
    }
  });

  it.each([false, true])(
    "that are a gateway's page of HTML are read by status, unquoted (stream: %s)",
    async (isStreamed) => {
      const page = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";
      server.answer = () => ({ status: 502, headers: { "content-type": "text/html" }, pieces: [page] });
      const { failure } = await failureOf({ stream: isStreamed });
      expect(failure).toMatchObject({ kind: "server", status: 502 });
      expect(failure.message).not.toContain("<");
      server.answer = () => ({ headers: { "content-type": "text/html" }, pieces: [page] });
      const signIn = await failureOf({ stream: isStreamed });
      // As frames its first bytes tell of more than comes.
      expect(signIn.failure.kind).toBe(isStreamed ? "stream" : "server");
      expect(signIn.failure.message).not.toContain("<");
    },
  );

  it("do not show the prompt", async () => {
    const secret = "The letter to my lawyer begins here and goes on for a while.";
    server.answer = () => refusal(400, "ValidationException", `Invalid value: '${secret}'`);
    expect((await failureOf({ body: { system: secret } })).failure.message).toBe("Invalid value: '[prompt]");
  });

  it("of our own come before anything is sent", async () => {
    const before = server.requests.length;
    const image = { type: "image" as const, source: { url: "https://example.com/a.png" } };
    const { failure } = await failureOf({ body: { messages: [{ role: "user", content: [image] }] } });
    expect(failure).toMatchObject({ kind: "client", message: expect.stringContaining("fetches no web addresses") });
    expect(server.requests.length).toBe(before);
  });
});

describe("bedrock's sockets", () => {
  const lost = async (at: Connection, isStreamed: boolean) => {
    expect((await failureOf({ stream: isStreamed }, at)).failure.kind).toBe("network");
  };

  it.each([false, true])("that break or are refused are network failures (stream: %s)", async (isStreamed) => {
    const breaker = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    breaker.listen(0, "127.0.0.1");
    await once(breaker, "listening");
    const address = breaker.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await lost(connect({ apiKey: token, baseUrl: `http://127.0.0.1:${port}` }), isStreamed);
    breaker.close();
    await once(breaker, "close");
    await lost(connect({ apiKey: token, baseUrl: `http://127.0.0.1:${port}` }), isStreamed);
    await lost(connect({ apiKey: token, baseUrl: `https://127.0.0.1:${new URL(server.url).port}` }), isStreamed);
    await lost(connect({ apiKey: token, baseUrl: "http://no-such-host.invalid" }), isStreamed);
  });

  it("that break in the middle of a whole answer are network failures", async () => {
    server.answer = () => ({ headers: { "content-length": "500" }, pieces: ['{"output":{"mess'], finale: "reset" });
    await lost(connection, false);
  });

  it.each([
    ["before any answer", false, () => ({ finale: "hang" as const })],
    ["before any stream", true, () => ({ ...stream(), finale: "hang" as const })],
    ["in the middle of a whole answer", false, () => ({ pieces: ['{"output":'], finale: "hang" as const })],
    ["in the middle of a stream", true, () => ({ ...stream(opening, piece("Mills ")), finale: "hang" as const })],
  ])("are hung up within 100 ms of being told, %s", async (_, isStreamed, answer) => {
    const controller = new AbortController();
    let stoppedAt = Number.NaN;
    const halt = () => {
      stoppedAt = performance.now();
      controller.abort(new DOMException("total", "TimeoutError"));
    };
    server.answer = () => {
      setImmediate(() => setImmediate(halt));
      return answer();
    };
    const hungUp = server.nextHangUp();
    const { failure } = await failureOf({ stream: isStreamed, signal: controller.signal });
    expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
    expect(failure.kind).toBe("timeout");
    await hungUp;
  });

  it.each([false, true])("carry nothing when the call was stopped before (stream: %s)", async (isStreamed) => {
    const before = server.requests.length;
    const { failure } = await failureOf({ stream: isStreamed, signal: AbortSignal.abort(new Error("total")) });
    expect(failure.kind).toBe("timeout");
    expect(server.requests.length).toBe(before);
  });

  it("serve call after call, whole or streamed", async () => {
    let connections = 0;
    const counting = createHttpServer((request, response) => {
      const { headers, pieces = [] } = request.url?.endsWith("-stream")
        ? stream(opening, piece("Mills."), stop(), metadata)
        : whole([{ text: "Mills." }]);
      request.resume();
      response.writeHead(200, headers);
      for (const bytes of pieces) response.write(bytes);
      response.end();
    }).on("connection", () => {
      connections += 1;
    });
    counting.listen(0, "127.0.0.1");
    await once(counting, "listening");
    const address = counting.address();
    const at = connect({
      apiKey: token,
      baseUrl: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    });
    for (const isStreamed of [true, true, false, true]) {
      expect((await ask({ stream: isStreamed }, at)).outcome).toMatchObject({ ok: true, text: "Mills." });
      await new Promise(setImmediate);
    }
    expect(connections).toBe(1);
    counting.closeAllConnections();
    counting.close();
    await once(counting, "close");
  });

  it("are let go by a reader's bug, which stays a bug", async () => {
    server.answer = () => ({ ...stream(opening, piece("Mills ")), finale: "hang" });
    const hungUp = server.nextHangUp();
    const onText = () => {
      throw new Error("bug of ours");
    };
    await expect(ask({ stream: true, onText })).rejects.toThrow("bug of ours");
    await hungUp;
  });
});
