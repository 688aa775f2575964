/** The vendors' own SDKs as callers of a simulator, and what each of them saw, in one shape. */
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenerativeAI, GoogleGenerativeAIFetchError } from "@google/generative-ai";
import OpenAI from "openai";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import type { Vendor } from "../../../src/simulator/vendor.ts";

export const goodKey = "sim-test-abcd";
export const models = { anthropic: "claude-haiku-4-5", openai: "gpt-5-mini", gemini: "gemini-2.5-flash" } as const;

export interface Wish {
  readonly prompt?: string;
  readonly stream?: boolean;
  readonly key?: string;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly stop?: string;
  readonly correlation?: string;
  readonly signal?: AbortSignal;
  onPiece?(text: string): void;
}

/** `text` and `finish` are what had arrived when the call was over, with or without an error. */
export interface Seen {
  readonly text: string;
  readonly finish?: string | null | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** True when the wire's terminal event came. */
  readonly isWhole: boolean;
  readonly headers?: Headers;
  readonly error?: unknown;
}

interface Progress {
  text: string;
  finish?: string | null | undefined;
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  isWhole: boolean;
  headers?: Headers;
}

export async function call(simulator: Simulator, vendor: Vendor, wish: Wish = {}): Promise<Seen> {
  const progress: Progress = { text: "", isWhole: false };
  try {
    await callers[vendor](simulator, { prompt: "What is a mill?", key: goodKey, stream: false, ...wish }, progress);
    return progress;
  } catch (error) {
    return { ...progress, error };
  }
}

type Caller = (
  simulator: Simulator,
  wish: Wish & Required<Pick<Wish, "prompt" | "key">>,
  seen: Progress,
) => Promise<void>;

const extras = ({ correlation, signal }: Wish) => ({
  ...(signal === undefined ? {} : { signal }),
  headers: correlation === undefined ? {} : { "x-millrace-request": correlation },
});

const callers: Record<Vendor, Caller> = {
  async anthropic(simulator, wish, seen) {
    const { key: apiKey, prompt, model = models.anthropic, maxTokens = 1_000, stop } = wish;
    const client = new Anthropic({ apiKey, baseURL: simulator.baseUrls.anthropic, maxRetries: 0, logLevel: "off" });
    const body = {
      model,
      max_tokens: maxTokens,
      messages: [{ role: "user" as const, content: prompt }],
      ...(stop === undefined ? {} : { stop_sequences: [stop] }),
    };
    if (wish.stream !== true) {
      const { data, response } = await client.messages.create(body, extras(wish)).withResponse();
      const [block] = data.content;
      seen.text = block?.type === "text" ? block.text : "";
      seen.finish = data.stop_reason;
      seen.inputTokens = data.usage?.input_tokens;
      seen.outputTokens = data.usage?.output_tokens;
      seen.isWhole = true;
      seen.headers = response.headers;
      return;
    }
    for await (const event of await client.messages.create({ ...body, stream: true }, extras(wish))) {
      if (event.type === "message_start") seen.inputTokens = event.message.usage?.input_tokens;
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
        seen.text += event.delta.text;
        wish.onPiece?.(event.delta.text);
      }
      if (event.type === "message_delta") {
        seen.finish = event.delta.stop_reason;
        seen.outputTokens = event.usage?.output_tokens;
      }
      if (event.type === "message_stop") seen.isWhole = true;
    }
  },
  async openai(simulator, wish, seen) {
    const { key: apiKey, prompt, model = models.openai, maxTokens, stop } = wish;
    const client = new OpenAI({ apiKey, baseURL: simulator.baseUrls.openai, maxRetries: 0, logLevel: "off" });
    const body = {
      model,
      messages: [{ role: "user" as const, content: prompt }],
      ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
      ...(stop === undefined ? {} : { stop }),
    };
    if (wish.stream !== true) {
      const { data, response } = await client.chat.completions.create(body, extras(wish)).withResponse();
      seen.text = data.choices[0]?.message.content ?? "";
      seen.finish = data.choices[0]?.finish_reason;
      seen.inputTokens = data.usage?.prompt_tokens;
      seen.outputTokens = data.usage?.completion_tokens;
      seen.isWhole = true;
      seen.headers = response.headers;
      return;
    }
    const streamed = { ...body, stream: true as const, stream_options: { include_usage: true } };
    for await (const chunk of await client.chat.completions.create(streamed, extras(wish))) {
      const [choice] = chunk.choices;
      if (choice?.delta.content) {
        seen.text += choice.delta.content;
        wish.onPiece?.(choice.delta.content);
      }
      seen.finish = choice?.finish_reason ?? seen.finish;
      seen.isWhole = seen.finish !== undefined;
      seen.inputTokens = chunk.usage?.prompt_tokens;
      seen.outputTokens = chunk.usage?.completion_tokens;
    }
  },
  async gemini(simulator, wish, seen) {
    const { key, prompt, model = models.gemini, maxTokens, stop } = wish;
    const { signal, headers } = extras(wish);
    const options = { baseUrl: simulator.baseUrls.gemini, customHeaders: headers };
    const client = new GoogleGenerativeAI(key).getGenerativeModel({ model }, options);
    const body = {
      contents: [{ role: "user", parts: [{ text: prompt }] }],
      generationConfig: {
        ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
        ...(stop === undefined ? {} : { stopSequences: [stop] }),
      },
    };
    const leave = signal === undefined ? {} : { signal };
    if (wish.stream !== true) {
      const { response } = await client.generateContent(body, leave);
      seen.text = response.text();
      seen.finish = response.candidates?.[0]?.finishReason;
      seen.inputTokens = response.usageMetadata?.promptTokenCount;
      seen.outputTokens = response.usageMetadata?.candidatesTokenCount;
      seen.isWhole = true;
      return;
    }
    const { stream, response } = await client.generateContentStream(body, leave);
    // The SDK gathers the whole answer beside the stream, and that promise breaks too.
    response.catch(() => {});
    for await (const chunk of stream) {
      if ("error" in chunk) throw Object.assign(new Error("an error in the stream"), { body: chunk.error });
      const piece = chunk.text();
      if (piece !== "") {
        seen.text += piece;
        wish.onPiece?.(piece);
      }
      seen.finish = chunk.candidates?.[0]?.finishReason;
      seen.isWhole = seen.finish !== undefined;
      seen.inputTokens = chunk.usageMetadata?.promptTokenCount;
      seen.outputTokens = chunk.usageMetadata?.candidatesTokenCount;
    }
  },
};

export interface SeenError {
  readonly status: number | undefined;
  /** The vendor's own fields, where its errors have them and its SDK keeps them. */
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly details: readonly Record<string, unknown>[];
  readonly message: string;
  header(name: string): string | null;
}

export function errorOf({ error }: Seen): SeenError {
  if (!(error instanceof Error)) throw new Error(`the call met no error, but ${String(error)}`);
  const { message } = error;
  const bare = { status: undefined, type: undefined, code: undefined, details: [], message, header: () => null };
  if (error instanceof Anthropic.APIError) {
    const { status, type, errorCode, headers } = error;
    return {
      ...bare,
      status,
      type: type ?? undefined,
      code: errorCode ?? undefined,
      header: (name) => headers?.get(name) ?? null,
    };
  }
  if (error instanceof OpenAI.APIError) {
    const { status, type, code, headers } = error;
    return { ...bare, status, type, code: code ?? undefined, header: (name) => headers?.get(name) ?? null };
  }
  return error instanceof GoogleGenerativeAIFetchError
    ? { ...bare, status: error.status, details: error.errorDetails ?? [] }
    : bare;
}

/** Waits until something is so, and fails when it is not so in time. */
export async function until(isSo: () => boolean, withinMs = 5_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
