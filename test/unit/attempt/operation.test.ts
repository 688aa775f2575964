import { describe, expect, it } from "vitest";
import { callOperation, operationNames } from "../../../src/attempt/operation.ts";
import type { Connection } from "../../../src/provider/provider.ts";
import { type Body, operations, promptBody } from "../../../src/request/body.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";

const bodies: Readonly<Record<(typeof operations)[number], Body>> = {
  chat: promptBody("m", "Hello"),
  embedding: { operation: "embedding", model: "m", input: ["Hello"] },
  transcription: { operation: "transcription", model: "m", source: { url: "https://example.com/a.mp3" } },
  speech: { operation: "speech", model: "m", text: "Hello" },
};
const saying = (text: string): CallOutcome => ({
  ok: true,
  text,
  finish: { unified: "stop", raw: "" },
  usage: {},
});
const everything: Connection = {
  chat: async () => saying("chat"),
  embedding: async () => saying("embedding"),
  transcription: async () => saying("transcription"),
  speech: async () => saying("speech"),
  probe: async () => saying("probe"),
};
const nothing: Connection = { probe: async () => saying("probe") };
const input = { model: "vendor-model", stream: false, defaultMaxOutputTokens: 5, correlation: "req-1" };
const io = { signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} };

describe("an operation", () => {
  it.each(operations)("reaches the function of a connection that is for it: %s", async (operation) => {
    expect(await callOperation(everything, bodies[operation], input, io)).toMatchObject({ ok: true, text: operation });
  });

  it("reaches the one for chat where an old body names none", async () => {
    expect(
      await callOperation(everything, { ...promptBody("m", "Hello"), operation: "chat" }, input, io),
    ).toMatchObject({
      text: "chat",
    });
  });

  it.each(operations)("is the request's failure where a connection has none for it: %s", async (operation) => {
    expect(await callOperation(nothing, bodies[operation], input, io)).toEqual({
      ok: false,
      failure: { kind: "client", message: `the provider offers no ${operation}` },
    });
  });

  it("gets what the caller of the pipeline gave, and the body", async () => {
    let seen: unknown;
    const watching: Connection = {
      ...nothing,
      speech: async (given) => {
        seen = given;
        return saying("");
      },
    };
    await callOperation(watching, bodies.speech, input, io);
    expect(seen).toEqual({ ...input, body: bodies.speech });
  });

  it("has a name of its own in traces", () => {
    expect(new Set(Object.values(operationNames)).size).toBe(operations.length);
  });
});
