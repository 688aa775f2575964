/**
 * OpenAI's chat completions through the openai SDK.
 *  - The output limit goes out as `max_completion_tokens`: current models refuse `max_tokens`.
 *  - `topK`: there is none. Left out, so that one body can travel a route over several vendors.
 *  - `temperature`, `topP`, `stop` and `seed` go out as given. A model that refuses one, or more than four stop
 *    sequences, answers 400 in its own words; nothing that changes the answer is dropped in silence.
 *  - A refusal is text like any other, with the finish reason `content-filter`.
 *  - The SDK reads OPENAI_ORG_ID and OPENAI_PROJECT_ID itself: a key of several organisations would bill the wrong one.
 */
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { Stream } from "openai/core/streaming";
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
import { retryAfterMs, waitInMessage } from "../retry-after.ts";
import { answerOf, answersOf } from "../sdk-answer.ts";
import { tokenCount, usageOf } from "../token-counts.ts";
import { openSockets, sdkTimeoutMs } from "../transport.ts";
import { connectionTimedOut, transportFailure } from "../transport-failure.ts";

export const openai: Provider = {
  id: "openai",
  environment: { apiKey: ["OPENAI_API_KEY"], baseUrl: ["OPENAI_BASE_URL"] },
  connect({ apiKey, baseUrl }) {
    const client = new OpenAI({
      apiKey,
      baseURL: baseUrl ?? "https://api.openai.com/v1",
      maxRetries: 0,
      timeout: sdkTimeoutMs,
      logLevel: "off", // its log prints prompts and answers
      fetchOptions: { dispatcher: openSockets() },
    });
    return {
      call(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        return input.stream ? callStreamed(client, input, io, fail) : callWhole(client, input, io, fail);
      },
      probe(io) {
        const send = () => client.models.list({ signal: io.signal }).asResponse();
        return probeOutcome(send, "data", failing(errors, io.signal, apiKey));
      },
    };
  },
};

const usageSchema = z
  .object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount,
    prompt_tokens_details: z
      .object({ cached_tokens: tokenCount, cache_write_tokens: tokenCount })
      .optional()
      .catch(undefined),
    completion_tokens_details: z.object({ reasoning_tokens: tokenCount }).optional().catch(undefined),
  })
  .nullish()
  .catch(undefined);
type WireUsage = z.infer<typeof usageSchema>;

const wordsSchema = z.object({ content: z.string().nullish(), refusal: z.string().nullish() });
const completionSchema = z.object({
  choices: z.array(z.object({ message: wordsSchema, finish_reason: z.string().nullish() })).min(1),
  usage: usageSchema,
});

async function callWhole(client: OpenAI, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const sent = options(input, io.signal);
  const answer = await answerOf(() => client.chat.completions.create(wireBody(input), sent).withResponse());
  if (!answer.ok) return fail.thrown(answer.error);
  const { data, response } = answer.value;
  const completion = completionSchema.safeParse(data);
  const [choice] = completion.data?.choices ?? [];
  if (choice === undefined) return fail.refused({ status: response.status, body: data, headers: response.headers });
  const { content, refusal } = choice.message;
  const finish = finishOf(choice.finish_reason, Boolean(refusal));
  return answered(`${content ?? ""}${refusal ?? ""}`, finish, tokens(completion.data?.usage), sideOf(response.headers));
}

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        index: z.number().optional(),
        delta: wordsSchema.optional().catch(undefined),
        finish_reason: z.string().nullish(),
      }),
    )
    .optional(),
  usage: usageSchema,
});

async function callStreamed(client: OpenAI, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const body = { ...wireBody(input), stream: true as const, stream_options: { include_usage: true } };
  const send = () => client.chat.completions.create(body, options(input, io.signal)).asResponse();
  const opened = await openEventStream(send, io, fail);
  if (!opened.ok) return opened.outcome;
  const { response } = opened;
  let text = "";
  let usage: WireUsage;
  let finish: FinishReason | undefined;
  let hasRefused = false;
  const side = () => ({ ...sideOf(response.headers), usage: tokens(usage) });
  const events = Stream.fromSSEResponse<unknown>(response, new AbortController(), client);
  for await (const step of answersOf(events)) {
    if (!step.ok) return fail.thrown(step.error, side());
    const chunk = chunkSchema.safeParse(step.value);
    if (!chunk.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side());
    usage = chunk.data.usage ?? usage;
    const choice = chunk.data.choices?.find(({ index }) => (index ?? 0) === 0);
    const piece = `${choice?.delta?.content ?? ""}${choice?.delta?.refusal ?? ""}`;
    hasRefused ||= Boolean(choice?.delta?.refusal);
    if (choice?.finish_reason) finish = finishOf(choice.finish_reason, hasRefused);
    if (piece !== "") {
      text += piece;
      io.onText(piece);
    }
  }
  // The SDK keeps `[DONE]` to itself; the finish reason is the end that can be seen.
  if (finish === undefined) {
    return fail.because({ kind: "stream", message: "the stream ended without finish_reason" }, side());
  }
  return answered(text, finish, tokens(usage), side());
}

function wireBody(input: CallInput) {
  const { system, messages, maxOutputTokens, stop, temperature, topP, seed } = input.body;
  const turns = messages.map(({ role, content }) => {
    const [first, ...more] = content;
    return { role, content: first !== undefined && more.length === 0 ? first.text : content };
  });
  return {
    model: input.model,
    messages: system === undefined ? turns : [{ role: "system" as const, content: system }, ...turns],
    ...known({ max_completion_tokens: maxOutputTokens, stop, temperature, top_p: topP, seed }),
  };
}

const options = ({ correlation }: CallInput, signal: AbortSignal) => ({
  signal,
  headers: known({ "x-millrace-request": correlation }),
});

const finishes: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  content_filter: "content-filter",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
};
const finishOf = (reason: string | null | undefined, hasRefused: boolean): FinishReason => ({
  unified: hasRefused ? "content-filter" : (finishes[reason ?? ""] ?? "other"),
  raw: reason ?? "",
});

const tokens = (wire: WireUsage) =>
  usageOf({
    inputTokens: wire?.prompt_tokens,
    outputTokens: wire?.completion_tokens,
    cacheReadTokens: wire?.prompt_tokens_details?.cached_tokens,
    cacheWriteTokens: wire?.prompt_tokens_details?.cache_write_tokens,
    reasoningTokens: wire?.completion_tokens_details?.reasoning_tokens,
  });

const limitNames = (dimension: string) => ({
  limit: `x-ratelimit-limit-${dimension}`,
  remaining: `x-ratelimit-remaining-${dimension}`,
  reset: `x-ratelimit-reset-${dimension}`,
});
const limitHeaders = { requests: limitNames("requests"), tokens: limitNames("tokens") };
const sideOf = (headers: Headers): SideReport => ({
  providerRequestId: headers.get("x-request-id"),
  limits: limitReport(headers, limitHeaders, Date.now()),
});

const errorSchema = z.object({
  type: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  /** A number where a gateway put another provider's status into it. */
  code: z.union([z.string(), z.number()]).optional().catch(undefined),
});
/** Whole, or without its envelope as the SDK hands it on. */
const bodySchema = z.union([z.object({ error: errorSchema }).transform(({ error }) => error), errorSchema]).catch({});

/** What an error of OpenAI's means. Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { type, message, code } = bodySchema.parse(answer.body);
  const isHttpError = answer.status !== undefined && answer.status >= 400;
  const status = !isHttpError && typeof code === "number" && code >= 400 ? code : answer.status;
  const wait = retryAfterMs(answer.headers, nowMs) ?? waitInMessage(message ?? "");
  return {
    kind: kindOf(status, `${code ?? type ?? ""}`, type ?? "", message ?? ""),
    message: message ?? bareMessage(answer),
    ...known({ status, code: code === undefined ? type : `${code}`, retryAfterMs: wait }),
  };
}

function kindOf(status: number | undefined, code: string, type: string, words: string): FailureKind {
  if (unpaid.test(code) || unpaid.test(type)) return "quotaHard";
  if (code === "slow_down") return "ramp";
  if (code === "server_is_overloaded" || /currently overloaded/i.test(words)) return "capacity";
  if (status === 429 || code === "rate_limit_exceeded") {
    if (canNeverPass(words)) return "client";
    return /\bper day\b|\((?:RPD|TPD)\)/i.test(words) ? "quotaDay" : "rate";
  }
  if (status !== undefined && status >= 400) return kindOfStatus(status);
  return kinds[code] ?? kinds[type] ?? kindOfStatus(status);
}

const unpaid = /^(?:insufficient_quota|credit_balance_exhausted|billing_\w+|\w+_(?:spend|usage)_limit_exceeded)$/;

/** One request larger than the whole limit: "Request too large", or Requested above Limit. */
function canNeverPass(words: string): boolean {
  const [, limit, requested] = /Limit:? (\d+).*?Requested:? (\d+)/i.exec(words.replace(/(\d),(?=\d)/g, "$1")) ?? [];
  return /^request too large/i.test(words) || (limit !== undefined && Number(requested) > Number(limit));
}

/** For errors inside a stream or a success, which have no status of their own. */
const kinds: Readonly<Record<string, FailureKind>> = {
  server_error: "server",
  invalid_request_error: "client",
  invalid_api_key: "auth",
  authentication_error: "auth",
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
