/** Answers of the Responses API, whole and streamed, good and bad. OpenAI's real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openai } from "../../src/provider/adapters/openai.ts";
import type { CallWish } from "../support/call.ts";
import { apiKey, exchange } from "../support/exchange.ts";
import { startWireServer, type WireAnswer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer();
});
afterAll(() => server.stop());

/** It is served by no other API. */
const model = "gpt-5-pro";
const ask = (answer: WireAnswer, wish: Partial<CallWish> = {}) =>
  exchange(server, openai.connect({ apiKey, baseUrl: `${server.url}/v1` }), answer, { model, ...wish });

const usage = { input_tokens: 12, output_tokens: 7, output_tokens_details: { reasoning_tokens: 4 }, total_tokens: 19 };
const message = (...content: readonly object[]) => ({ type: "message", role: "assistant", content });
const words = message({ type: "output_text", text: "Mills grind." });
const response = (more: object = {}) => ({
  id: "resp_1",
  object: "response",
  status: "completed",
  output: [words],
  usage,
  ...more,
});
const event = (body: object) => `data: ${JSON.stringify(body)}\n\n`;
const created = event({ type: "response.created", response: response({ status: "in_progress", output: [] }) });
const piece = (delta: string) => event({ type: "response.output_text.delta", item_id: "m", output_index: 0, delta });
const end = (more: object = {}, type = "response.completed") => event({ type, response: response(more) });

/** The same end of an answer, whole and as the last event of a stream. */
const ended = (more: object, type?: string): readonly (readonly [WireAnswer, boolean])[] => [
  [json(JSON.stringify(response(more))), false],
  [eventStream(created, end(more, type)), true],
];

const cut = (...pieces: readonly string[]): WireAnswer => ({ ...eventStream(...pieces), finale: "reset" });

describe("openai's answers through the Responses API", () => {
  it("have text, usage and finish reason, whole and streamed, and heed nothing behind their end", async () => {
    const expected = {
      ok: true,
      text: "Mills grind.",
      finish: { unified: "stop", raw: "completed" },
      usage: { inputTokens: 12, outputTokens: 7, reasoningTokens: 4 },
    };
    const whole = await ask(json(JSON.stringify(response())));
    expect(whole.sent.path).toBe("/v1/responses");
    expect(whole.outcome).toMatchObject(expected);
    const events = [created, piece("Mills "), piece("grind."), end(), piece(" And more."), "data: {\n\n"];
    const { outcome, pieces } = await ask(eventStream(...events), { stream: true });
    expect(outcome).toMatchObject(expected);
    expect(pieces).toEqual(["Mills ", "grind."]);
  });

  it("leave usage unknown where none is stated", async () => {
    for (const [answer, stream] of ended({ usage: undefined })) {
      expect((await ask(answer, { stream })).outcome).toMatchObject({ ok: true, usage: {} });
    }
  });

  it("that refuse are text that was filtered", async () => {
    for (const [answer, stream] of ended({ output: [message({ type: "refusal", refusal: "I can't." })] })) {
      expect((await ask(answer, { stream })).outcome).toMatchObject({
        ok: true,
        text: "I can't.",
        finish: { unified: "content-filter" },
      });
    }
  });

  it.each([
    ["that were filtered to the last word are the request's failure", "client", filtered()],
    ["without any output are the server's failure", "server", { output: [] }],
    ["whose tool call has broken JSON are the server's failure", "server", { output: [call('{"city":')] }],
    ["that failed at the server are its failure", "server", failedWith("server_error", "failed")],
    ["that failed by a rate are read as that", "rate", failedWith("rate_limit_exceeded", "failed")],
    ["that were cancelled are the server's failure", "server", { status: "cancelled" }],
  ] as const)("%s, whole and streamed", async (_, kind, more) => {
    for (const [answer, stream] of ended(more)) {
      expect((await ask(answer, { stream })).outcome, `${stream}`).toMatchObject({ ok: false, failure: { kind } });
    }
  });

  it.each([
    ["ends early", "stream", eventStream(created, piece("Mills"))],
    ["ends inside an event", "stream", eventStream(created, end().slice(0, -9))],
    ["says nothing", "stream", eventStream()],
    ["breaks off", "network", cut(created, piece("Mills"))],
    ["breaks off before its first event", "network", cut()],
    ["has an event that is not JSON", "server", eventStream(created, 'data: {"type":"resp\n\n')],
    ["has an event without meaning", "server", eventStream(created, "data: 42\n\n")],
    [
      "tells of an error",
      "server",
      eventStream(created, event({ type: "error", code: "server_error", message: "Oh." })),
    ],
    [
      "tells of an overload in an envelope",
      "capacity",
      eventStream(created, event({ error: { code: "server_is_overloaded", message: "Overloaded" } })),
    ],
    ["is a page of HTML", "server", { headers: { "content-type": "text/html" }, pieces: ["<html></html>"] }],
    ["is an error instead", "rate", json('{"error":{"code":"rate_limit_exceeded","message":"Slow down."}}')],
  ] as const)("whose stream %s are a failure: %s", async (_, kind, answer) => {
    const { outcome } = await ask(answer, { stream: true });
    expect(outcome).toMatchObject({ ok: false, failure: { kind } });
  });

  it("stop when they are told to, in the middle of a stream that says no more, and hang up", async () => {
    const stop = new AbortController();
    const happened: string[] = [];
    const hungUp = server.nextHangUp().then(() => happened.push("hung up"));
    const onText = (said: string) => {
      happened.push(said, "told to stop");
      stop.abort(new DOMException("idle", "TimeoutError"));
    };
    const answer: WireAnswer = { ...eventStream(created, piece("Mills")), finale: "hang" };
    const { outcome } = await ask(answer, { stream: true, signal: stop.signal, onText });
    await hungUp;
    expect(happened).toEqual(["Mills", "told to stop", "hung up"]);
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "timeout" } });
  });
});

function filtered() {
  return { status: "incomplete", incomplete_details: { reason: "content_filter" }, output: [] };
}

function call(written: string) {
  return { type: "function_call", call_id: "c1", name: "weather", arguments: written };
}

function failedWith(code: string, status: string) {
  return { status, error: { code, message: "It went wrong." }, output: [] };
}
