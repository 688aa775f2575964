/**
 * What every adapter makes of odd bytes: recorded shapes that no simulator sends, over a real socket and through the
 * vendor's real SDK.
 */

import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Connection } from "../../src/provider/provider.ts";
import { call } from "../support/call.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json, wires } from "../support/wires.ts";
import { startVertexWires } from "./vertex-wires.ts";

const apiKey = "sk-test-0123456789-abcdWXYZ";
/** The bound of the specification: an abort ends the call within this time. */
const abortMs = 100;

const atVertex = await startVertexWires(apiKey);
afterAll(() => atVertex.stop());

for (const wire of [...wires, ...atVertex.wires]) {
  const { provider, model } = wire;
  describe(`${provider.id} on odd bytes`, () => {
    let server: WireServer;
    let connection: Connection;
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);

    beforeAll(async () => {
      server = await startWireServer();
      connection = provider.connect({ apiKey, baseUrl: `${server.url}${wire.basePath}` });
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

    const failureOf = async (wish: Partial<Parameters<typeof call>[1]> = {}) => {
      const { outcome, ...seen } = await call(connection, { model, ...wish });
      if (outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
      return { ...seen, outcome, failure: outcome.failure };
    };

    it("reads a whole answer with its usage and finish reason", async () => {
      server.answer = () => json(wire.whole("Mills grind."));
      const { outcome } = await call(connection, { model });
      expect(outcome).toMatchObject({
        ok: true,
        text: "Mills grind.",
        finish: { unified: "stop" },
        usage: { inputTokens: 12, outputTokens: 7 },
      });
    });

    it("reads a stream, in pieces that split characters and line ends anywhere", async () => {
      const bytes = Buffer.from(wire.opening + wire.piece("Grüße, ") + wire.piece("水車 🌾.") + wire.closing);
      const size = 37;
      const split = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      server.answer = () => eventStream(...split);
      const { outcome, pieces, activity } = await call(connection, { model, stream: true });
      expect(outcome).toMatchObject({
        ok: true,
        text: "Grüße, 水車 🌾.",
        finish: { unified: "stop" },
        usage: { inputTokens: 12, outputTokens: 7 },
      });
      expect(pieces).toEqual(["Grüße, ", "水車 🌾."]);
      expect(activity).toBeGreaterThan(2);
    });

    it("streams the next answer over the same connection", async () => {
      const bytes = wire.opening + wire.piece("Mills grind.") + wire.closing;
      server.answer = () => eventStream(bytes);
      for (let round = 0; round < 3; round += 1) await call(connection, { model, stream: true });
      const before = server.connections;
      for (let round = 0; round < 3; round += 1) {
        expect((await call(connection, { model, stream: true })).outcome).toMatchObject({ ok: true });
      }
      expect(server.connections).toBe(before);
    });

    // Gemini's wire has no last event: its end is the end of the body.
    it.runIf(/message_stop|\[DONE\]/.test(wire.closing))(
      "has its answer with the last event, and leaves a body that stays open behind it",
      async () => {
        const left = server.nextHangUp();
        const bytes = wire.opening + wire.piece("Mills grind.") + wire.closing;
        server.answer = () => ({ ...eventStream(bytes), finale: "hang" });
        const { outcome } = await call(connection, { model, stream: true });
        expect(outcome).toMatchObject({ ok: true, text: "Mills grind." });
        await left;
      },
    );

    it.each([false, true])("leaves usage unknown where the provider states none (stream: %s)", async (stream) => {
      server.answer = () =>
        stream ? eventStream(wire.piece("Mills."), wire.closingWithoutUsage) : json(wire.wholeWithoutUsage("Mills."));
      const { outcome } = await call(connection, { model, stream });
      if (!outcome.ok) throw new Error(outcome.failure.message);
      expect(outcome.text).toBe("Mills.");
      // Counts on the way are no counts of the whole.
      expect(outcome.usage.outputTokens).toBeUndefined();
    });

    it("calls a stream that ends without its terminal event a failure, with the input that was stated", async () => {
      server.answer = () => eventStream(wire.opening, wire.piece("Mills "));
      const { failure, pieces, outcome } = await failureOf({ stream: true });
      expect(failure.kind).toBe("stream");
      expect(pieces).toEqual(["Mills "]);
      // The output of a broken stream is unknown: what was counted so far is not what it cost.
      expect(outcome.usage?.outputTokens).toBeUndefined();
    });

    it("calls an empty stream a failure", async () => {
      server.answer = () => eventStream();
      expect((await failureOf({ stream: true })).failure.kind).toBe("stream");
    });

    it("calls a connection that breaks in the middle of a stream a network failure", async () => {
      server.answer = () => ({ ...eventStream(wire.opening, wire.piece("Mills ")), finale: "reset" });
      const { failure, pieces } = await failureOf({ stream: true });
      expect(failure.kind).toBe("network");
      expect(pieces.join("")).toBe("Mills ");
    });

    it("calls a connection that breaks in the middle of a whole answer a network failure", async () => {
      const body = wire.whole("Mills grind.");
      server.answer = () => ({ pieces: [body.slice(0, 40)], finale: "reset" });
      expect((await failureOf()).failure.kind).toBe("network");
    });

    it("calls a connection that breaks before any answer a network failure", async () => {
      const breaker = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
      breaker.listen(0, "127.0.0.1");
      await once(breaker, "listening");
      const address = breaker.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const broken = provider.connect({ apiKey, baseUrl: `http://127.0.0.1:${port}${wire.basePath}` });
      const { outcome } = await call(broken, { model });
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
      breaker.close();
      await once(breaker, "close");
    });

    it.each([false, true])(
      "calls a refused connection and a failed TLS handshake network failures (stream: %s)",
      async (stream) => {
        const nobody = createServer();
        nobody.listen(0, "127.0.0.1");
        await once(nobody, "listening");
        const bound = nobody.address();
        const port = typeof bound === "object" ? bound?.port : undefined;
        nobody.close();
        await once(nobody, "close");
        const noTls = new URL(server.url).port;
        for (const address of [`http://127.0.0.1:${port}`, `https://127.0.0.1:${noTls}`]) {
          const away = provider.connect({ apiKey, baseUrl: `${address}${wire.basePath}` });
          expect((await call(away, { model, stream })).outcome).toMatchObject({
            ok: false,
            failure: { kind: "network" },
          });
        }
      },
    );

    it("calls an event that is not JSON, and one that means nothing, the server's failure, without quoting them", async () => {
      for (const event of [wire.malformed, wire.meaningless]) {
        server.answer = () => eventStream(wire.opening, wire.piece("Mills "), event, wire.closing);
        const { failure } = await failureOf({ stream: true });
        expect(failure.kind).toBe("server");
        expect(failure.message).not.toContain("candidates");
      }
    });

    it("reads an error told in the middle of a stream by its kind", async () => {
      server.answer = () => eventStream(wire.opening, wire.piece("Mills "), wire.overloaded);
      const { failure, pieces } = await failureOf({ stream: true });
      expect(failure).toMatchObject({ kind: "capacity", message: expect.stringContaining("verloaded") });
      expect(pieces).toEqual(["Mills "]);
    });

    it.each([false, true])("calls a page of HTML with status 200 the server's failure (stream: %s)", async (stream) => {
      server.answer = () => ({
        headers: { "content-type": "text/html" },
        pieces: ["<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"],
      });
      const { failure } = await failureOf({ stream });
      expect(failure.kind).toBe("server");
    });

    it.each([false, true])("calls a page of HTML with status 502 the server's failure (stream: %s)", async (stream) => {
      server.answer = () => ({
        status: 502,
        headers: { "content-type": "text/html" },
        pieces: ["<html><head><title>502 Bad Gateway</title></head><body></body></html>"],
      });
      const { failure } = await failureOf({ stream });
      expect(failure).toMatchObject({ kind: "server", status: 502 });
      expect(failure.message).not.toContain("<");
    });

    it.each(["", "null", "[]", "{}", '"text"', "42", '{"candidates":[],"choices":[],"content":7}', "{"])(
      "calls %j with status 200 the server's failure",
      async (body) => {
        server.answer = () => json(body);
        expect((await failureOf()).failure.kind).toBe("server");
      },
    );

    it("makes one HTTP request per call, whatever the answer", async () => {
      for (const status of [408, 409, 429, 500, 503, 529]) {
        const before = server.requests.length;
        server.answer = () => ({ status, headers: { "retry-after": "0", "x-should-retry": "true" }, pieces: ["{}"] });
        await failureOf();
        expect(server.requests.length - before).toBe(1);
      }
    });

    it("does not show the key, even where the provider does", async () => {
      const message = `Incorrect API key provided: ${apiKey}, or sk-test-*******************WXYZ.`;
      server.answer = () =>
        json(JSON.stringify({ type: "error", error: { type: "authentication_error", message, code: 401 } }), 401);
      const { failure } = await failureOf();
      expect(failure.kind).toBe("auth");
      expect(failure.message).toContain("Incorrect API key provided");
      expect(failure.message).not.toContain("WXYZ");
    });

    it("does not show the prompt, even where the provider does", async () => {
      const secret = "The letter to my lawyer begins here and goes on for a while.";
      const message = `Invalid value: '${secret}'`;
      server.answer = () =>
        json(JSON.stringify({ type: "error", error: { type: "invalid_request_error", message, code: 400 } }), 400);
      const { failure } = await failureOf({ body: { system: secret } });
      expect(failure).toMatchObject({ kind: "client", message: "Invalid value: '[prompt]" });
    });

    it("sends the correlation and nothing of it in the body", async () => {
      server.answer = () => json(wire.whole("Mills."));
      await call(connection, { model, correlation: "req-42" });
      const last = server.requests.at(-1);
      expect(last?.headers.get("x-millrace-request")).toBe("req-42");
      expect(JSON.stringify(last?.body)).not.toContain("req-42");
    });

    it.each([false, true])(
      "stops within 100 ms while no answer has begun, and hangs up (stream: %s)",
      async (stream) => {
        const controller = new AbortController();
        server.answer = () => {
          queueMicrotask(() => controller.abort(new DOMException("total", "TimeoutError")));
          return { ...(stream ? eventStream() : json("")), finale: "hang" };
        };
        const hungUp = server.nextHangUp();
        let stoppedAt = 0;
        controller.signal.addEventListener("abort", () => {
          stoppedAt = performance.now();
        });
        const { failure } = await failureOf({ stream, signal: controller.signal });
        expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
        expect(failure.kind).toBe("timeout");
        await hungUp;
      },
    );

    it("stops within 100 ms in the middle of a silent stream, and hangs up", async () => {
      server.answer = () => ({ ...eventStream(wire.opening, wire.piece("Mills ")), finale: "hang" });
      const controller = new AbortController();
      const hungUp = server.nextHangUp();
      let stoppedAt = 0;
      const stop = () => {
        stoppedAt = performance.now();
        controller.abort(new Error("stopped"));
      };
      const { failure, pieces } = await failureOf({
        stream: true,
        signal: controller.signal,
        onText: () => setImmediate(stop),
      });
      expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
      expect(failure.kind).toBe("network");
      expect(pieces).toEqual(["Mills "]);
      await hungUp;
    });

    it.each([false, true])("sends nothing when it was stopped before (stream: %s)", async (stream) => {
      const before = server.requests.length;
      server.answer = () => json(wire.whole("Mills."));
      expect((await failureOf({ stream, signal: AbortSignal.abort(new Error("total")) })).failure.kind).toBe("timeout");
      expect(server.requests.length).toBe(before);
    });

    it("keeps a bug of the reader a bug, and hangs up", async () => {
      server.answer = () => ({ ...eventStream(wire.opening, wire.piece("Mills ")), finale: "hang" });
      const hungUp = server.nextHangUp();
      const bug = () => {
        throw new Error("bug of ours");
      };
      await expect(call(connection, { model, stream: true, onText: bug })).rejects.toThrow("bug of ours");
      await hungUp;
    });

    it("probes by listing models", async () => {
      const list = {
        object: "list",
        data: [{ id: model }],
        models: [{ name: `models/${model}` }],
        publisherModels: [],
        has_more: false,
      };
      server.answer = () => json(JSON.stringify(list));
      const io = { signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} };
      expect(await connection.probe(io)).toMatchObject({ ok: true, text: "models listed", usage: {} });
      expect(server.requests.at(-1)).toMatchObject({ method: "GET", path: expect.stringMatching(/\/models(\?|$)/) });
      server.answer = () => json("{}", 401);
      expect(await connection.probe(io)).toMatchObject({ ok: false, failure: { kind: "auth", status: 401 } });
      server.answer = () => ({ headers: { "content-type": "text/html" }, pieces: ["<html></html>"] });
      expect(await connection.probe(io)).toMatchObject({ ok: false, failure: { kind: "server" } });
    });
  });
}
