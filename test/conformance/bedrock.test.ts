/** Credentials, vectors, refusals and sockets of Bedrock, through the real AWS SDK, against a wire of our own hand. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../src/provider/provider.ts";
import type { EmbeddingBody } from "../../src/request/body.ts";
import {
  abortMs,
  ask,
  connect,
  connection,
  failureOf,
  keys,
  lastSent,
  model,
  say,
  secretAccessKey,
  server,
  sessionToken,
  silent,
  token,
  useBedrock,
} from "./bedrock-place.ts";
import { isSigned, metadata, opening, piece, refusal, stop, stream, whole } from "./bedrock-wire.ts";

useBedrock();

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
