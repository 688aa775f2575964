/** The three wire formats, byte for byte as the vendors send them, to build odd answers from. */

import { anthropic } from "../../src/provider/adapters/anthropic.ts";
import { gemini } from "../../src/provider/adapters/gemini.ts";
import { openai } from "../../src/provider/adapters/openai.ts";
import type { Provider } from "../../src/provider/provider.ts";
import type { WireAnswer } from "./wire-server.ts";

export interface Wire {
  readonly provider: Provider;
  readonly model: string;
  /** What a base URL has behind the server's address. */
  readonly basePath: string;
  /** A whole answer that ended by itself: 12 tokens in, 7 out. */
  whole(text: string): string;
  /** The same without its usage. */
  wholeWithoutUsage(text: string): string;
  /** Events of a stream: before the text, a piece of it, after it. */
  readonly opening: string;
  piece(text: string): string;
  readonly closing: string;
  readonly closingWithoutUsage: string;
  /** Overload, told in the middle of a stream. */
  readonly overloaded: string;
  /** An event that is not JSON. */
  readonly malformed: string;
  /** An event that is JSON and means nothing. */
  readonly meaningless: string;
}

const named = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const unnamed = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

const anthropicMessage = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5",
  stop_sequence: null,
};
const anthropicClosing = (usage: object | undefined) =>
  named("content_block_stop", { type: "content_block_stop", index: 0 }) +
  named("message_delta", { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage }) +
  named("message_stop", { type: "message_stop" });

const anthropicWire: Wire = {
  provider: anthropic,
  model: "claude-haiku-4-5",
  basePath: "",
  whole: (text) =>
    JSON.stringify({
      ...anthropicMessage,
      content: [{ type: "text", text }],
      stop_reason: "end_turn",
      usage: { input_tokens: 12, output_tokens: 7 },
    }),
  wholeWithoutUsage: (text) =>
    JSON.stringify({ ...anthropicMessage, content: [{ type: "text", text }], stop_reason: "end_turn" }),
  opening:
    named("message_start", {
      type: "message_start",
      message: {
        ...anthropicMessage,
        content: [],
        stop_reason: null,
        usage: { input_tokens: 12, output_tokens: 1 },
      },
    }) +
    named("content_block_start", { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }) +
    named("ping", { type: "ping" }),
  piece: (text) =>
    named("content_block_delta", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  closing: anthropicClosing({ output_tokens: 7 }),
  closingWithoutUsage: anthropicClosing(undefined),
  overloaded: named("error", { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
  malformed: 'event: content_block_delta\ndata: {"type":"content_block_del\n\n',
  meaningless: "event: content_block_delta\ndata: 42\n\n",
};

const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_790_000_000, model: "gpt-5-mini" };
const completion = { ...chunk, object: "chat.completion" };
const openaiUsage = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 };
const openaiChoice = (text: string) => ({
  index: 0,
  message: { role: "assistant", content: text, refusal: null },
  finish_reason: "stop",
});
const openaiStop = unnamed({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null });

const openaiWire: Wire = {
  provider: openai,
  model: "gpt-5-mini",
  basePath: "/v1",
  whole: (text) => JSON.stringify({ ...completion, choices: [openaiChoice(text)], usage: openaiUsage }),
  wholeWithoutUsage: (text) => JSON.stringify({ ...completion, choices: [openaiChoice(text)] }),
  opening: unnamed({
    ...chunk,
    choices: [{ index: 0, delta: { role: "assistant", content: "", refusal: null }, finish_reason: null }],
    usage: null,
  }),
  piece: (text) =>
    unnamed({ ...chunk, choices: [{ index: 0, delta: { content: text }, finish_reason: null }], usage: null }),
  closing: `${openaiStop}${unnamed({ ...chunk, choices: [], usage: openaiUsage })}data: [DONE]\n\n`,
  closingWithoutUsage: `${openaiStop}data: [DONE]\n\n`,
  overloaded: unnamed({
    error: { message: "Overloaded", type: "service_unavailable_error", param: null, code: "server_is_overloaded" },
  }),
  malformed: 'data: {"id":"chatcmpl-1","choices":[{"ind\n\n',
  meaningless: "data: 42\n\n",
};

const candidate = (text: string, more: object = {}) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0, ...more }],
  modelVersion: "gemini-2.5-flash",
  responseId: "resp-1",
});
const geminiUsage = { promptTokenCount: 12, candidatesTokenCount: 7, totalTokenCount: 19 };

const geminiWire: Wire = {
  provider: gemini,
  model: "gemini-2.5-flash",
  basePath: "",
  whole: (text) => JSON.stringify({ ...candidate(text, { finishReason: "STOP" }), usageMetadata: geminiUsage }),
  wholeWithoutUsage: (text) => JSON.stringify(candidate(text, { finishReason: "STOP" })),
  opening: unnamed({ ...candidate(""), usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 } }),
  piece: (text) =>
    unnamed({
      ...candidate(text),
      usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 3, totalTokenCount: 15 },
    }),
  closing: unnamed({ ...candidate("", { finishReason: "STOP" }), usageMetadata: geminiUsage }),
  closingWithoutUsage: unnamed(candidate("", { finishReason: "STOP" })),
  overloaded: unnamed({
    error: { code: 503, message: "The model is overloaded. Please try again later.", status: "UNAVAILABLE" },
  }),
  malformed: 'data: {"candidates":[{"conte\n\n',
  meaningless: "data: 42\n\n",
};

export const wires: readonly Wire[] = [anthropicWire, openaiWire, geminiWire];

export const json = (text: string, status = 200): WireAnswer => ({ status, pieces: [text] });
export const eventStream = (...pieces: readonly (string | Uint8Array)[]): WireAnswer => ({
  headers: { "content-type": "text/event-stream; charset=utf-8" },
  pieces,
});
