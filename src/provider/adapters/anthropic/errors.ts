/** What Anthropic's errors and headers mean. */
import { z } from "zod";
import type { Failure, FailureKind } from "../../../request/failure.ts";
import { known } from "../../../runtime/known.ts";
import type { SideReport } from "../../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../../error-answer.ts";
import { limitReport } from "../../limit-headers.ts";
import { retryAfterMs } from "../../retry-after.ts";

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
export const sideOf = (headers: Headers): SideReport => ({
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
  return kinds.get(type) ?? kindOfStatus(status);
}

const usedUp = /^you have reached your specified (?:workspace )?api usage limits|credit balance is too low/i;

/** For errors inside a stream or a success, which have no status of their own. */
const kinds: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries({
    api_error: "server",
    timeout_error: "server",
    authentication_error: "auth",
    permission_error: "auth",
    invalid_request_error: "client",
    not_found_error: "client",
    conflict_error: "client",
    request_too_large: "client",
  }),
);
