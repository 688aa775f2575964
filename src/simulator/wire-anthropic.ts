/** Anthropic's Messages API, by the types of @anthropic-ai/sdk and the vendor's documentation of errors and limits. */

import type { LimitReading } from "./allowance.ts";
import type { Answer } from "./answer.ts";
import { readAnthropic } from "./ask-anthropic.ts";
import type { Problem, RateRefusal, Refusal } from "./refusal.ts";
import { type AnswerContext, json, type Page, type Wire } from "./wire.ts";

export const anthropicWire: Wire = {
  vendor: "anthropic",
  keyOf: ({ headers }) =>
    typeof headers["x-api-key"] === "string" ? headers["x-api-key"] : headers.authorization?.replace(/^Bearer\s+/i, ""),
  read: readAnthropic,
  headers,
  refuse,
  whole: (answer) => JSON.stringify({ ...message(answer, answer.usage?.outputTokens), ...finishOf(answer) }),
  opening(answer) {
    // The output count of the opening is a placeholder here as it is there.
    const opened = { ...message(answer, 1), content: [], stop_reason: null, stop_sequence: null };
    const block = { type: "content_block_start", index: 0, content_block: { type: "text", text: "", citations: null } };
    return (
      event("message_start", { type: "message_start", message: opened }) +
      (hasText(answer) ? event("content_block_start", block) : "") +
      event("ping", { type: "ping" })
    );
  },
  call(answer, { name, input }, index) {
    const half = Math.ceil(input.length / 2);
    const block = { type: "tool_use", id: callId(answer, index), name, input: {} };
    const pieces = [input.slice(0, half), input.slice(half)].map((partial_json) =>
      event("content_block_delta", {
        type: "content_block_delta",
        index,
        delta: { type: "input_json_delta", partial_json },
      }),
    );
    return [
      event("content_block_start", { type: "content_block_start", index, content_block: block }),
      ...pieces,
      event("content_block_stop", { type: "content_block_stop", index }),
    ];
  },
  piece: (_answer, text) => delta(`${JSON.stringify({ type: "text_delta", text })}}`),
  closing(answer) {
    const last = { type: "message_delta", delta: { ...finishOf(answer), container: null, stop_details: null } };
    return (
      (hasText(answer) ? event("content_block_stop", { type: "content_block_stop", index: 0 }) : "") +
      event("message_delta", { ...last, ...usageOf(answer, answer.usage?.outputTokens) }) +
      event("message_stop", { type: "message_stop" })
    );
  },
  brokenPiece: () => delta('{"type":"text_del'),
  errorEvent: () => event("error", { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
  models: (names) =>
    JSON.stringify({
      data: names.map((id) => ({
        id,
        type: "model",
        display_name: id,
        created_at: "2026-01-01T00:00:00Z",
        capabilities: null,
        deprecated_at: null,
        lifecycle: "active",
        line: /opus|sonnet|haiku/.exec(id)?.[0] ?? null,
        max_input_tokens: 200_000,
        max_tokens: 64_000,
        retires_at: null,
      })),
      first_id: names[0] ?? null,
      last_id: names.at(-1) ?? null,
      has_more: false,
    }),
};

const hasText = ({ calls, finish }: Answer): boolean => calls === undefined && finish.reason !== "filtered";
const callId = ({ id }: Answer, index: number): string => `toolu_sim${id}${index}`;

function contentOf(answer: Answer): readonly object[] {
  if (hasText(answer)) return [{ type: "text", text: answer.text, citations: null }];
  return (answer.calls ?? []).map(({ name, input }, index) => ({
    type: "tool_use",
    id: callId(answer, index),
    name,
    input: jsonOrText(input),
  }));
}

/** A whole answer holds its input as JSON: a broken one is a text there. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const message = (answer: Answer, outputTokens: number | undefined) => ({
  id: `msg_sim${answer.id}`,
  type: "message",
  role: "assistant",
  model: answer.model,
  content: contentOf(answer),
  container: null,
  diagnostics: null,
  stop_details: null,
  ...usageOf(answer, outputTokens, {
    cache_creation: null,
    inference_geo: null,
    service_tier: "standard",
    speed: null,
  }),
});

const usageOf = ({ usage }: Answer, outputTokens: number | undefined, more = {}) =>
  usage === undefined
    ? {}
    : {
        usage: {
          input_tokens: usage.inputTokens,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: outputTokens,
          output_tokens_details: null,
          server_tool_use: null,
          ...more,
        },
      };

const finishes = {
  end: "end_turn",
  length: "max_tokens",
  "stop-sequence": "stop_sequence",
  "tool-calls": "tool_use",
  filtered: "refusal",
} as const;
const finishOf = ({ finish }: Answer) => ({
  stop_reason: finishes[finish.reason],
  stop_sequence: finish.reason === "stop-sequence" ? finish.sequence : null,
});

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
/** Written by hand for speed, and to be broken. */
const delta = (rest: string): string =>
  `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":${rest}\n\n`;

function headers({ requestId, limits, nowMs }: AnswerContext): Record<string, string> {
  const { requests = limits.requestsPerDay, inputTokens, outputTokens } = limits;
  return {
    "request-id": requestId,
    "anthropic-organization-id": organization,
    ...limitHeaders("requests", requests, nowMs, 1),
    ...limitHeaders("input-tokens", inputTokens, nowMs, 1_000),
    ...limitHeaders("output-tokens", outputTokens, nowMs, 1_000),
    ...limitHeaders("tokens", limits.tokens ?? together(inputTokens, outputTokens), nowMs, 1_000),
  };
}

const organization = "5e3f1a52-0000-4000-8000-51a1a70b0001";

function limitHeaders(name: string, reading: LimitReading | undefined, nowMs: number, roundedTo: number) {
  if (reading === undefined) return {};
  const prefix = `anthropic-ratelimit-${name}`;
  return {
    [`${prefix}-limit`]: `${reading.limit}`,
    [`${prefix}-remaining`]: `${Math.round(reading.remaining / roundedTo) * roundedTo}`,
    [`${prefix}-reset`]: `${new Date(Math.ceil((nowMs + reading.fullInMs) / 1000) * 1000).toISOString().slice(0, 19)}Z`,
  };
}

/** Where no narrower limit is in effect, `tokens` shows input and output together. */
function together(input: LimitReading | undefined, output: LimitReading | undefined): LimitReading | undefined {
  if (input === undefined || output === undefined) return input ?? output;
  return {
    limit: input.limit + output.limit,
    remaining: input.remaining + output.remaining,
    fullInMs: Math.max(input.fullInMs, output.fullInMs),
  };
}

function refuse(refusal: Refusal, context: AnswerContext): Page {
  const { status, type, message: words, details } = errorOf(refusal, context);
  const error = details === undefined ? { type, message: words } : { type, message: words, details };
  const wait =
    refusal.kind === "rate" ? { "retry-after": `${Math.max(1, Math.ceil(refusal.retryAfterMs / 1000))}` } : {};
  return {
    status,
    headers: { ...headers(context), "content-type": json, ...wait },
    body: JSON.stringify({ type: "error", error, request_id: context.requestId }),
  };
}

interface WireError {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly details?: { readonly error_code: string };
}

function errorOf(refusal: Refusal, { model }: AnswerContext): WireError {
  switch (refusal.kind) {
    case "no-key":
      return { status: 401, type: "authentication_error", message: "x-api-key header is required" };
    case "wrong-key":
      return { status: 401, type: "authentication_error", message: "invalid x-api-key" };
    case "unreadable":
      return { status: 400, type: "invalid_request_error", message: "The request body is not valid JSON" };
    case "invalid":
      return { status: 400, type: "invalid_request_error", message: words(refusal.problem) };
    case "unknown-model":
      return { status: 404, type: "not_found_error", message: `model: ${refusal.model}` };
    case "unknown-path":
      return { status: 404, type: "not_found_error", message: "Not found" };
    case "too-large":
      return { status: 413, type: "request_too_large", message: "Request exceeds the maximum size" };
    case "rate":
      return { status: 429, type: "rate_limit_error", message: rateWords(refusal, model) };
    case "quota": // a spend limit is known by its code, and by the missing retry-after
      return {
        status: 429,
        type: "rate_limit_error",
        message: "You have reached the spend limit of your organization.",
        details: { error_code: "enforced_spend_limit_reached" },
      };
    case "server-error":
      return { status: 500, type: "api_error", message: "Internal server error" };
    case "unavailable":
      return { status: 503, type: "api_error", message: "Service unavailable" };
    case "overloaded":
      return { status: 529, type: "overloaded_error", message: "Overloaded" };
  }
}

const words = ({ path, isMissing, message: found }: Problem): string =>
  `${path === "" ? "body" : path}: ${isMissing ? "Field required" : found}`;

const units = {
  requests: "requests per minute",
  requestsPerDay: "requests per day",
  inputTokens: "input tokens per minute",
  outputTokens: "output tokens per minute",
  tokens: "tokens per minute",
  concurrency: "",
} as const;

const rateWords = ({ dimension, limit }: RateRefusal, model: string | undefined): string =>
  dimension === "concurrency"
    ? "Number of concurrent connections has exceeded your rate limit. Please try again later."
    : `This request would exceed your organization's rate limit of ${limit.toLocaleString("en-US")} ` +
      `${units[dimension]} (org: ${organization}, model: ${model ?? ""}).`;
