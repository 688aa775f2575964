/** Tools, media and forms of an answer. */
import { expect } from "vitest";
import type { Message } from "../../src/request/body.ts";
import type { ToolCallPart } from "../../src/request/parts.ts";
import type { Tool } from "../../src/request/tools.ts";
import { schemaMismatch } from "../../src/runtime/json-schema.ts";
import type { CallWish } from "../support/call.ts";
import { answerOf, type Cases } from "./bench.ts";

const weather: Tool = {
  name: "weather",
  description: "The weather of a place.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
    required: ["city"],
  },
};
const clock: Tool = { name: "clock", parameters: { type: "object", properties: { zone: { type: "string" } } } };

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
/** The simulator takes the order from the prompt; a script knows it anyway. */
const question = user('What is it like there? [tool weather {"city":"Bern","days":2}]');
const asked: CallWish["body"] = { messages: [question], tools: [weather, clock] };

const callsIn = (outcome: Parameters<typeof answerOf>[0]): readonly ToolCallPart[] =>
  (answerOf(outcome).parts ?? []).flatMap((part) => (part.type === "tool-call" ? [part] : []));

/** One transparent pixel. */
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const millSchema = {
  type: "object",
  properties: {
    name: { type: "string" },
    wheels: { type: "integer" },
    runs: { type: "boolean" },
    kind: { type: "string", enum: ["water", "wind"] },
    stones: { type: "array", items: { type: "string" } },
  },
  required: ["name", "wheels", "runs", "kind", "stones"],
  additionalProperties: false,
};

export const toolCases: Cases = {
  "reads a tool call with its input, whole and streamed": async ({ ask }) => {
    for (const stream of [false, true]) {
      const { outcome } = await ask({ stream, body: asked });
      const answer = answerOf(outcome);
      expect(answer.finish.unified).toBe("tool-calls");
      expect(callsIn(outcome)).toEqual([
        {
          type: "tool-call",
          id: expect.stringMatching(/.+/),
          name: "weather",
          input: { city: "Bern", days: 2 },
          ...signatures(callsIn(outcome)),
        },
      ]);
    }
  },

  "streams a tool call in pieces that add up to its input": async ({ ask }) => {
    const { outcome, deltas } = await ask({ stream: true, body: asked });
    const [call] = callsIn(outcome);
    const pieces = deltas.flatMap((delta) => (delta.type === "tool-call" ? [delta] : []));
    expect(pieces.every(({ index }) => index === 0)).toBe(true);
    expect(pieces[0]).toMatchObject({ id: call?.id, name: "weather" });
    expect(JSON.parse(pieces.map(({ input }) => input).join(""))).toEqual(call?.input);
  },

  "reads several tool calls in order": async ({ ask }) => {
    const both = user('[tool weather {"city":"Bern"}] and [tool clock {"zone":"UTC"}]');
    for (const stream of [false, true]) {
      const { outcome } = await ask({ stream, body: { ...asked, messages: [both] } });
      expect(callsIn(outcome).map(({ name, input }) => [name, input])).toEqual([
        ["weather", { city: "Bern" }],
        ["clock", { zone: "UTC" }],
      ]);
      expect(new Set(callsIn(outcome).map(({ id }) => id)).size).toBe(2);
    }
  },

  "is made to call a tool, or a certain one, or none": async ({ ask }) => {
    const plain = { ...asked, messages: [user("Good day.")] };
    const some = await ask({ body: { ...plain, toolChoice: "required" } });
    expect(callsIn(some.outcome)).toHaveLength(1);
    const one = await ask({ body: { ...plain, toolChoice: { name: "clock" } } });
    expect(callsIn(one.outcome).map(({ name }) => name)).toEqual(["clock"]);
    const none = await ask({ body: { ...asked, toolChoice: "none" } });
    expect(callsIn(none.outcome)).toEqual([]);
    expect(answerOf(none.outcome).text).not.toBe("");
  },

  "goes on with its own call and what the tool brought": async ({ ask }) => {
    for (const stream of [false, true]) {
      const first = answerOf((await ask({ stream, body: asked })).outcome);
      const [call] = (first.parts ?? []).filter((part) => part.type === "tool-call");
      if (call === undefined) throw new Error("no tool was called");
      const messages: Message[] = [
        question,
        { role: "assistant", content: [...(first.parts ?? [])] },
        { role: "tool", content: [{ type: "tool-result", id: call.id, name: call.name, content: "Rain, 12 °C." }] },
      ];
      const second = answerOf((await ask({ stream, body: { ...asked, messages } })).outcome);
      expect(second.finish.unified).toBe("stop");
      expect(second.text.length).toBeGreaterThan(10);
      expect(second.parts?.some(({ type }) => type === "tool-call") ?? false).toBe(false);
    }
  },

  "answers with JSON that fits a schema": async ({ ask }) => {
    const responseFormat = { type: "json-schema" as const, name: "mill", schema: millSchema };
    for (const stream of [false, true]) {
      const { text } = answerOf((await ask({ stream, body: { responseFormat } })).outcome);
      expect(schemaMismatch(millSchema, JSON.parse(text))).toBeUndefined();
    }
  },

  "answers with a JSON object": async ({ ask }) => {
    const { text } = answerOf((await ask({ body: { responseFormat: { type: "json" } } })).outcome);
    expect(JSON.parse(text)).toBeTypeOf("object");
  },

  "takes an image along": async ({ ask, provider }) => {
    const words = user("What is in this picture?");
    const picture = { type: "image" as const, source: { data: pixel, mediaType: "image/png" } };
    const withImage: Message = { role: "user", content: [{ type: "text", text: "What is in this picture?" }, picture] };
    const plain = answerOf((await ask({ body: { messages: [words] } })).outcome);
    const { outcome } = await ask({ body: { messages: [withImage] } });
    if (!outcome.ok) {
      // Whoever takes no images says so before anything is sent.
      expect(outcome.failure).toMatchObject({ kind: "client", message: expect.stringContaining("image") });
      expect(textOnly).toContain(provider.id);
      return;
    }
    expect(outcome.usage.inputTokens).toBeGreaterThan(plain.usage.inputTokens ?? Number.POSITIVE_INFINITY);
  },
};

/** Providers whose wire carries no images. */
const textOnly = ["deepseek", "cerebras"];

/** A provider's own seal may go along. */
const signatures = ([call]: readonly ToolCallPart[]) =>
  call?.signature === undefined ? {} : { signature: call.signature };
