/** What the errors of OpenAI, and of those that speak its wire, mean. */
import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { z } from "zod";
import type { Failure, FailureKind } from "../../../request/failure.ts";
import { known } from "../../../runtime/known.ts";
import type { SideReport } from "../../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../../error-answer.ts";
import type { ErrorKnowledge } from "../../failing.ts";
import { limitReport } from "../../limit-headers.ts";
import { retryAfterMs, waitInMessage } from "../../retry-after.ts";
import { connectionTimedOut, transportFailure } from "../../transport-failure.ts";

const errorSchema = z.object({
  type: z.string().nullish().catch(undefined),
  message: z.string().nullish().catch(undefined),
  /** A number where a gateway put another provider's status into it. */
  code: z.union([z.string(), z.number()]).nullish().catch(undefined),
});
/** Whole, or without its envelope as the SDK hands it on. */
const bodySchema = z.union([z.object({ error: errorSchema }).transform(({ error }) => error), errorSchema]).catch({});

/** What an error means. Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { type, message, code } = known(bodySchema.parse(answer.body));
  const words = message ?? (typeof answer.body === "string" ? answer.body : "");
  const isHttpError = answer.status !== undefined && answer.status >= 400;
  const status = !isHttpError && typeof code === "number" && code >= 400 ? code : answer.status;
  const wait = retryAfterMs(answer.headers, nowMs) ?? waitInMessage(words);
  return {
    kind: kindOf(status, `${code ?? type ?? ""}`, type ?? "", words),
    message: message ?? bareMessage(answer),
    ...known({ status, code: code === undefined ? type : `${code}`, retryAfterMs: wait }),
  };
}

function kindOf(status: number | undefined, code: string, type: string, words: string): FailureKind {
  if (unpaid.test(code) || unpaid.test(type) || unpaidWords.test(words)) return "quotaHard";
  if (code === "slow_down") return "ramp";
  if (busy.test(code) || busy.test(type) || status === 498 || busyWords.test(words)) return "capacity";
  if (status === 429 || code === "rate_limit_exceeded") {
    if (canNeverPass(words)) return "client";
    return /\bper[ -]day\b|\((?:RPD|TPD)\)/i.test(words) ? "quotaDay" : "rate";
  }
  if (status !== undefined && status >= 400) return kindOfStatus(status);
  return kinds[code] ?? kinds[type] ?? kindOfStatus(status);
}

/** OpenAI's, Moonshot's, and Alibaba's word for an account in arrears. */
const unpaid =
  /^(?:insufficient_quota|credit_balance_exhausted|billing_\w+|\w+_(?:spend|usage)_limit_exceeded|exceeded_current_quota_error|Arrearage)$/;
/** xAI says it in words, with 403 or 429. */
const unpaidWords = /used all available credits|reached its monthly spending limit/i;
/** OpenAI's, and Moonshot's. Groq says 498. */
const busy = /^(?:server_is_overloaded|engine_overloaded_error)$/;
/** OpenAI's, then Azure's two, which come with 429. */
const busyWords = /currently overloaded|temporarily unable to process|experiencing high demand/i;

/** One request larger than the whole limit: "Request too large", or Requested above Limit. */
function canNeverPass(words: string): boolean {
  const [, limit, requested] = /Limit:? (\d+).*?Requested:? (\d+)/i.exec(words.replace(/(\d),(?=\d)/g, "$1")) ?? [];
  return /^request too large/i.test(words) || (limit !== undefined && Number(requested) > Number(limit));
}

/** For errors inside a stream or a success, which have no status of their own. */
const kinds: Readonly<Record<string, FailureKind>> = {
  server_error: "server",
  invalid_request_error: "client",
  invalid_prompt: "client",
  invalid_api_key: "auth",
  authentication_error: "auth",
};

const limitNames = (dimension: string) => ({
  limit: `x-ratelimit-limit-${dimension}`,
  remaining: `x-ratelimit-remaining-${dimension}`,
  reset: `x-ratelimit-reset-${dimension}`,
});
const limitHeaders = { requests: limitNames("requests"), tokens: limitNames("tokens") };

/** Azure names its request in a header of its own. */
export const sideOf = (headers: Headers): SideReport => ({
  providerRequestId: headers.get("x-request-id") ?? headers.get("apim-request-id"),
  limits: limitReport(headers, limitHeaders, Date.now()),
});

export const errors: ErrorKnowledge = {
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
