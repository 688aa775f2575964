/**
 * Anthropic's Messages API through @anthropic-ai/sdk.
 *  - `temperature`, `topP`, `topK`: removed in API version 2026-10-21, which the SDK sends by default, so a request that
 *    has one goes out as version 2023-06-01. Models that no longer take them answer 400 in their own words; they are
 *    never dropped in silence, because they change the answer.
 *  - `seed`: there is none. Left out: no provider promises what it does.
 *  - `max_tokens` is required: the caller's limit, else the configured default.
 *  - Input tokens here are the sum of uncached, cache read and cache written; the wire counts them apart.
 */
import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIError } from "@anthropic-ai/sdk";
import { Stream } from "@anthropic-ai/sdk/core/streaming";
import { z } from "zod";
import type { Failure, FailureKind } from "../../request/failure.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import type { FinishReason } from "../../request/result.ts";
import { answered, type SideReport } from "../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../error-answer.ts";
import { openEventStream } from "../event-stream.ts";
import { type ErrorKnowledge, type Failing, failing } from "../failing.ts";
import { known } from "../known.ts";
import { limitReport } from "../limit-headers.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, Provider } from "../provider.ts";
import { retryAfterMs } from "../retry-after.ts";
import { answerOf, answersOf } from "../sdk-answer.ts";
import { tokenCount, usageOf } from "../token-counts.ts";
import { openSockets, sdkTimeoutMs } from "../transport.ts";
import { connectionTimedOut, transportFailure } from "../transport-failure.ts";

export const anthropic: Provider = {
  id: "anthropic",
  environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: ["ANTHROPIC_BASE_URL"] },
  connect({ apiKey, baseUrl }) {
    const client = new Anthropic({
      apiKey,
      baseURL: baseUrl ?? "https://api.anthropic.com",
      maxRetries: 0,
      timeout: sdkTimeoutMs,
      logLevel: "off", // its log prints prompts and answers
      openTelemetry: false, // the spans are ours
      fetchOptions: { dispatcher: openSockets() },
    });
    return {
      call(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        return input.stream ? callStreamed(client, input, io, fail) : callWhole(client, input, io, fail);
      },
      probe(io) {
        const send = () => client.models.list({ limit: 1 }, { signal: io.signal }).asResponse();
        return probeOutcome(send, "data", failing(errors, io.signal, apiKey));
      },
    };
  },
};

const usageSchema = z
  .object({
    input_tokens: tokenCount,
    output_tokens: tokenCount,
    cache_read_input_tokens: tokenCount,
    cache_creation_input_tokens: tokenCount,
    output_tokens_details: z.object({ thinking_tokens: tokenCount }).optional().catch(undefined),
  })
  .catch({});
type WireUsage = z.infer<typeof usageSchema>;

const textSchema = z.object({ type: z.string(), text: z.string().optional() });
const messageSchema = z.object({
  type: z.literal("message"),
  content: z.array(textSchema),
  stop_reason: z.string().nullish(),
  usage: usageSchema,
});

async function callWhole(client: Anthropic, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const sent = options(input, io.signal);
  const answer = await answerOf(() => client.messages.create(wireBody(input), sent).withResponse());
  if (!answer.ok) return fail.thrown(answer.error);
  const { data, response } = answer.value;
  const message = messageSchema.safeParse(data);
  if (!message.success) return fail.refused({ status: response.status, body: data, headers: response.headers });
  const { content, stop_reason: reason, usage } = message.data;
  const text = content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("");
  return answered(text, finishOf(reason), tokens(usage), sideOf(response.headers));
}

const eventSchema = z.object({
  type: z.string(),
  message: z.object({ usage: usageSchema }).optional().catch(undefined),
  content_block: textSchema.optional().catch(undefined),
  delta: textSchema.partial().extend({ stop_reason: z.string().nullish() }).optional().catch(undefined),
  usage: usageSchema,
});

async function callStreamed(client: Anthropic, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const body = { ...wireBody(input), stream: true as const };
  const send = () => client.messages.create(body, options(input, io.signal)).asResponse();
  const opened = await openEventStream(send, io, fail);
  if (!opened.ok) return opened.outcome;
  const { response } = opened;
  let text = "";
  let usage: WireUsage = {};
  let reason: string | null | undefined;
  const side = () => ({ ...sideOf(response.headers), usage: tokens(usage) });
  const events = Stream.fromSSEResponse<unknown>(response, new AbortController(), client);
  for await (const step of answersOf(events)) {
    if (!step.ok) return fail.thrown(step.error, side());
    const event = eventSchema.safeParse(step.value);
    if (!event.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side());
    const { type, message, delta, content_block: block } = event.data;
    if (type === "message_stop") return answered(text, finishOf(reason), tokens(usage), side());
    // The output count of message_start is a placeholder: before message_delta only the input is known.
    if (type === "message_start") usage = { ...message?.usage, output_tokens: undefined };
    if (type === "message_delta") usage = { ...usage, ...known(event.data.usage) };
    if (type === "message_delta") reason = delta?.stop_reason;
    const part = type === "content_block_delta" ? delta : type === "content_block_start" ? block : undefined;
    if (part?.text && part.type?.startsWith("text")) {
      text += part.text;
      io.onText(part.text);
    }
  }
  return fail.because({ kind: "stream", message: "the stream ended without message_stop" }, side());
}

function wireBody(input: CallInput) {
  const { system, messages, maxOutputTokens, stop, temperature, topP, topK } = input.body;
  return {
    model: input.model,
    max_tokens: maxOutputTokens ?? input.defaultMaxOutputTokens,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...known({ system, stop_sequences: stop, temperature, top_p: topP, top_k: topK }),
  };
}

function options({ body, correlation }: CallInput, signal: AbortSignal) {
  const isSampled = body.temperature !== undefined || body.topP !== undefined || body.topK !== undefined;
  const version = isSampled ? "2023-06-01" : undefined;
  return { signal, headers: known({ "x-millrace-request": correlation, "anthropic-version": version }) };
}

const finishes: Readonly<Record<string, FinishReason["unified"]>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "content-filter",
};
const finishOf = (reason: string | null | undefined): FinishReason => ({
  unified: finishes[reason ?? ""] ?? "other",
  raw: reason ?? "",
});

function tokens(wire: WireUsage) {
  const { input_tokens: fresh, cache_read_input_tokens: read, cache_creation_input_tokens: written } = wire;
  return usageOf({
    inputTokens: fresh === undefined ? undefined : fresh + (read ?? 0) + (written ?? 0),
    outputTokens: wire.output_tokens,
    cacheReadTokens: read,
    cacheWriteTokens: written,
    reasoningTokens: wire.output_tokens_details?.thinking_tokens,
  });
}

const limitNames = (dimension: string) => ({
  limit: `anthropic-ratelimit-${dimension}-limit`,
  remaining: `anthropic-ratelimit-${dimension}-remaining`,
  reset: `anthropic-ratelimit-${dimension}-reset`,
});
const limitHeaders = {
  requests: limitNames("requests"),
  tokens: limitNames("tokens"),
  inputTokens: limitNames("input-tokens"),
  outputTokens: limitNames("output-tokens"),
};
const sideOf = (headers: Headers): SideReport => ({
  providerRequestId: headers.get("request-id"),
  limits: limitReport(headers, limitHeaders, Date.now()),
});

const errorSchema = z.object({
  type: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z.object({ error_code: z.string() }).optional().catch(undefined),
});
const errorBodySchema = z.object({ error: errorSchema }).catch({ error: {} });

/** What an error of Anthropic's means. Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { type, message, details } = errorBodySchema.parse(answer.body).error;
  const wait = retryAfterMs(answer.headers, nowMs);
  return {
    kind: kindOf(answer.status, type ?? "", details?.error_code ?? "", message ?? "", wait !== undefined),
    message: message ?? bareMessage(answer),
    ...known({ status: answer.status, code: details?.error_code ?? type, retryAfterMs: wait }),
  };
}

function kindOf(status: number | undefined, type: string, code: string, words: string, saysWhen: boolean): FailureKind {
  if (type === "billing_error" || /spend_limit|billing/.test(code) || usedUp.test(words)) return "quotaHard";
  if (code === "organization_on_hold") return "auth";
  if (type === "rate_limit_error") {
    if (code === "ramp_limit_exceeded" || /acceleration limit/i.test(words)) return "ramp";
    if (/concurrent (?:connections|requests)/i.test(words)) return "concurrency";
    // A rate limit always says when to come back; what does not is a spend cap.
    return status === 429 && !saysWhen ? "quotaHard" : "rate";
  }
  if (type === "overloaded_error") return "capacity";
  if (status !== undefined && status >= 400) return kindOfStatus(status);
  return kinds[type] ?? kindOfStatus(status);
}

const usedUp = /^you have reached your specified (?:workspace )?api usage limits|credit balance is too low/i;

/** For errors inside a stream or a success, which have no status of their own. */
const kinds: Readonly<Record<string, FailureKind>> = {
  api_error: "server",
  timeout_error: "server",
  authentication_error: "auth",
  permission_error: "auth",
  invalid_request_error: "client",
  not_found_error: "client",
  conflict_error: "client",
  request_too_large: "client",
};

const errors: ErrorKnowledge = {
  classify,
  sideOf,
  unpack(error) {
    if (error instanceof APIConnectionTimeoutError) return { failure: connectionTimedOut };
    if (error instanceof APIConnectionError) return { failure: transportFailure(error.cause ?? error) };
    if (!(error instanceof APIError) || (error.status === undefined && error.error === undefined)) {
      return { failure: transportFailure(error) };
    }
    const body = error.error ?? error.message.replace(/^\d{3} /, "");
    return { answer: { status: error.status, body, headers: error.headers ?? new Headers() } };
  },
};
