/** What is made of answers that only Gemini gives, wherever its wire is spoken. A real adapter over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Connection } from "../../src/provider/provider.ts";
import type { CallWish } from "../support/call.ts";
import { exchange } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";

export interface Speaker {
  readonly provider: string;
  /** As it stands in reasoning. */
  readonly thinker: string;
  readonly model: string;
  connect(url: string): Connection;
}

const candidate = (parts: readonly object[], more: object = { finishReason: "STOP" }) => ({
  candidates: [{ content: { parts, role: "model" }, index: 0, ...more }],
  responseId: "resp-1",
});
const counted = (parts: readonly object[]) => ({
  ...candidate(parts),
  usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 7, totalTokenCount: 19 },
});
const sse = (...chunks: readonly object[]) =>
  eventStream(...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`));

export function describeGeminiAnswers(speaker: Speaker): void {
  describe(`answers of Gemini through ${speaker.provider}`, () => {
    const { thinker, model } = speaker;
    let server: WireServer;
    beforeAll(async () => {
      server = await startWireServer();
    });
    afterAll(() => server.stop());

    const ask = (wire: ReturnType<typeof json>, wish: Partial<CallWish> = {}) =>
      exchange(server, speaker.connect(server.url), wire, { model, ...wish });
    const whole = (body: object) => ask(json(JSON.stringify(body)));
    const streamed = (...chunks: readonly object[]) => ask(sse(...chunks), { stream: true });

    it("has thoughts, text and calls in order, with seals, whole or streamed", async () => {
      const chunks = [
        [{ text: "Let me ", thought: true }],
        [{ text: "look.", thought: true }, { text: "I call" }],
        [
          { text: " two." },
          { functionCall: { id: "c1", name: "weather", args: { city: "Ulm" } }, thoughtSignature: "seal" },
          { functionCall: { name: "clock" } },
        ],
      ];
      const parts = [
        { type: "reasoning", text: "Let me look.", provider: thinker },
        { type: "text", text: "I call two." },
        { type: "tool-call", id: "c1", name: "weather", input: { city: "Ulm" }, signature: "seal" },
        { type: "tool-call", id: "resp-1-1", name: "clock", input: {} },
      ];
      const expected = { ok: true, text: "I call two.", parts, finish: { unified: "tool-calls", raw: "STOP" } };
      expect((await whole(counted(chunks.flat()))).outcome).toMatchObject(expected);
      const { outcome, deltas } = await streamed(
        ...chunks.map((each, at) => (at === 2 ? counted(each) : candidate(each, {}))),
      );
      expect(outcome).toMatchObject({ ...expected, usage: { inputTokens: 12, outputTokens: 7 } });
      expect(deltas).toEqual([
        { type: "reasoning", text: "Let me " },
        { type: "reasoning", text: "look." },
        { type: "text", text: "I call" },
        { type: "text", text: " two." },
        { type: "tool-call", index: 0, id: "c1", name: "weather", input: '{"city":"Ulm"}', signature: "seal" },
        { type: "tool-call", index: 1, id: "resp-1-1", name: "clock", input: "{}" },
      ]);
    });

    it("keeps a seal that came with text, for the next turn", async () => {
      const { outcome } = await whole(counted([{ text: "Hi.", thoughtSignature: "seal" }]));
      expect(outcome).toMatchObject({
        text: "Hi.",
        parts: [
          { type: "text", text: "Hi." },
          { type: "reasoning", text: "", signature: "seal", provider: thinker },
        ],
      });
    });

    it("has code that Gemini ran, and what came out, in the text", async () => {
      const { outcome } = await whole(
        counted([
          { text: "Counting." },
          { executableCode: { language: "PYTHON", code: "print(6 * 7)\n" } },
          { codeExecutionResult: { outcome: "OUTCOME_OK", output: "42\n" } },
          { text: "It is 42." },
        ]),
      );
      expect(outcome).toMatchObject({
        text: "Counting.\n```python\nprint(6 * 7)\n```\n\n```\n42\n```\nIt is 42.",
      });
      expect(outcome).not.toHaveProperty("parts");
    });

    it("has sound as bytes, and streams it", async () => {
      const sound = (data: string) => ({ inlineData: { mimeType: "audio/L16;rate=24000", data } });
      const { outcome, deltas } = await streamed(candidate([sound("AAEC")], {}), counted([sound("AwQF")]));
      expect(outcome).toMatchObject({
        ok: true,
        audio: { data: Buffer.from([0, 1, 2, 3, 4, 5]), mediaType: "audio/L16;rate=24000" },
      });
      expect(deltas).toEqual([
        { type: "audio", data: "AAEC" },
        { type: "audio", data: "AwQF" },
      ]);
    });

    it("fails with the media type where the model made what no result can hold", async () => {
      const { outcome } = await whole(counted([{ inlineData: { mimeType: "image/png", data: "AAAA" } }]));
      expect(outcome).toMatchObject({
        ok: false,
        failure: { kind: "client", message: expect.stringContaining("image/png") },
        usage: { inputTokens: 12, outputTokens: 7 },
      });
    });

    it.each([
      [{ name: "weather", args: "city" }],
      [{ name: "weather", args: [1] }],
      [{ name: "weather", partialArgs: [{ jsonPath: "$.city", stringValue: "Ulm" }], willContinue: true }],
      [{ name: "", args: {} }],
    ])("calls the tool call %j the server's failure", async (functionCall) => {
      for (const seen of [await whole(counted([{ functionCall }])), await streamed(counted([{ functionCall }]))]) {
        expect(seen.outcome).toMatchObject({ ok: false, failure: { kind: "server" } });
      }
    });

    it.each(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])(
      "calls an answer that ends with %s the server's failure, with its usage",
      async (finishReason) => {
        const { outcome } = await streamed({ ...counted([{ text: "call(" }]), ...candidate([], { finishReason }) });
        expect(outcome).toMatchObject({
          ok: false,
          failure: { kind: "server", code: finishReason },
          usage: { outputTokens: 7 },
        });
      },
    );

    it("ignores what comes after the end, but for the counts", async () => {
      const { outcome, pieces } = await streamed(
        candidate([{ text: "Hi." }]),
        candidate([{ text: " More." }], { finishReason: "SAFETY" }),
        { usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 7, totalTokenCount: 19 } },
        { error: { code: 500, message: "too late", status: "INTERNAL" } },
      );
      expect(outcome).toMatchObject({
        ok: true,
        text: "Hi.",
        finish: { unified: "stop" },
        usage: { inputTokens: 12, outputTokens: 7 },
      });
      expect(pieces).toEqual(["Hi."]);
    });

    it("takes an answer for finished that breaks off behind its end", async () => {
      const chunk = `data: ${JSON.stringify(counted([{ text: "Hi." }]))}\r\n\r\n`;
      for (const wire of [
        { ...eventStream(chunk), finale: "reset" as const },
        eventStream(chunk, 'data: {"candidates": [{'),
        eventStream(chunk, "data: not JSON\r\n\r\n"),
      ]) {
        expect((await ask(wire, { stream: true })).outcome).toMatchObject({ ok: true, text: "Hi." });
      }
    });

    it("fails where there is no choice to read", async () => {
      expect((await whole({ candidates: [], responseId: "resp-1" })).outcome).toMatchObject({
        ok: false,
        failure: { kind: "server" },
      });
      expect((await streamed({ candidates: [], responseId: "resp-1" })).outcome).toMatchObject({
        ok: false,
        failure: { kind: "stream" },
      });
    });

    it("counts what was read, heard, seen and thought, each in its whole", async () => {
      const usageMetadata = {
        promptTokenCount: 1_000,
        toolUsePromptTokenCount: 50,
        cachedContentTokenCount: 400,
        candidatesTokenCount: 80,
        thoughtsTokenCount: 20,
        totalTokenCount: 1_150,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 300 },
          { modality: "AUDIO", tokenCount: 200 },
          { modality: "IMAGE", tokenCount: 258 },
          { modality: "VIDEO", tokenCount: 242 },
        ],
        toolUsePromptTokensDetails: [{ modality: "IMAGE", tokenCount: 50 }],
        candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 60 }],
      };
      for (const seen of [
        await whole({ ...candidate([{ text: "Hi." }]), usageMetadata }),
        await streamed({ ...candidate([{ text: "Hi." }]), usageMetadata }),
      ]) {
        expect(seen.outcome.usage).toEqual({
          inputTokens: 1_050,
          outputTokens: 100,
          cacheReadTokens: 400,
          reasoningTokens: 20,
          audioInputTokens: 200,
          audioOutputTokens: 60,
          imageInputTokens: 308,
          videoInputTokens: 242,
        });
      }
    });

    it("keeps the input of a stream that was told to stop, and no guess at its output", async () => {
      const stop = new AbortController();
      const started = {
        ...candidate([{ text: "Hi" }], {}),
        usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 1, totalTokenCount: 13 },
      };
      const { outcome } = await ask(
        { ...sse(started), finale: "hang" },
        { stream: true, signal: stop.signal, onText: () => stop.abort(new Error("stopped")) },
      );
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" } });
      expect(outcome.usage).toEqual({ inputTokens: 12 });
    });

    it("refuses before it sends what the wire cannot carry", async () => {
      const connection = speaker.connect(server.url);
      const before = server.requests.length;
      const source = { url: "s3://bucket/a.png" };
      const input = {
        model,
        body: { model, messages: [{ role: "user" as const, content: [{ type: "image" as const, source }] }] },
        stream: false,
        defaultMaxOutputTokens: 9,
      };
      const io = { signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} };
      expect(await connection.chat?.(input, io)).toMatchObject({ ok: false, failure: { kind: "client" } });
      expect(server.requests.length).toBe(before);
    });
  });
}
