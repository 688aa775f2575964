/**
 * The answer to an OpenAI line, in the shape of OpenAI's output and error files: an answer or the provider's refusal
 * stands in `response`, what never came to an answer in `error`. Beside them `millrace` says who answered and at what
 * cost.
 */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import type { Result } from "../../src/request/result.ts";
import { openaiBody } from "../wire/openai-completion.ts";
import { responseJson } from "../wire/openai-response.ts";
import { failureOf } from "./line-failure.ts";
import { accountOf, rejectedOf } from "./plain-answer.ts";

export function openaiAnswer(line: BatchLine): Readonly<Record<string, unknown>> {
  const { result } = line;
  return {
    id: `batch_req_${bare(line.requestId)}`,
    custom_id: line.customId,
    ...(result === undefined
      ? failureParts(line)
      : { response: responseOf(line, 200, bodyOf(line, result)), error: null }),
    millrace: { line: line.lineNo, provider: result?.provider ?? null, ...rejectedOf(line), ...accountOf(line) },
  };
}

const bare = (id: string): string => id.replaceAll("-", "");

const responseOf = (line: BatchLine, status: number, body: unknown) => ({
  status_code: status,
  request_id: `req_${bare(line.requestId)}`,
  body,
});

function bodyOf(line: BatchLine, result: Result): object {
  const createdSeconds = Math.floor((line.finishedAt?.getTime() ?? 0) / 1000);
  const { usage } = line;
  if (line.shape !== "openai-response") return openaiBody({ id: bare(line.requestId), createdSeconds, result, usage });
  // What was asked for is in the input file.
  const terms = { id: line.requestId, createdSeconds, body: undefined, isBackground: false };
  return responseJson(terms, { status: "ended", result, usage });
}

function failureParts(line: BatchLine) {
  const { kind, message } = failureOf(line);
  const status = line.failure?.status;
  // A stream that broke off began with 200; a reader that judges by the status must not take it for an answer.
  if (line.state !== "cancelled" && status !== undefined && status >= 400) {
    const error = { message, type: errorTypes[kind] ?? "server_error", param: null, code: kind };
    return { response: responseOf(line, status, { error }), error: null };
  }
  return { response: null, error: { code: unansweredCodes[kind] ?? kind, message } };
}

/** OpenAI's error types by our failure kinds; the rest are the server's. */
const errorTypes: Readonly<Record<string, string>> = {
  client: "invalid_request_error",
  auth: "authentication_error",
  rate: "rate_limit_error",
  quotaDay: "insufficient_quota",
  quotaHard: "insufficient_quota",
};

/** OpenAI's codes for lines that were not executed. */
const unansweredCodes: Readonly<Record<string, string>> = {
  deadline: "batch_expired",
  cancelled: "batch_cancelled",
  timeout: "request_timeout",
};
