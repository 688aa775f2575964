/**
 * The answer to an OpenAI line, in the shape of OpenAI's output and error files: an answer or the provider's refusal
 * stands in `response`, what never came to an answer in `error`. Beside them `millrace` says who answered and at what
 * cost.
 */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import type { FinishReason, Result } from "../../src/request/result.ts";
import { failureOf } from "./line-failure.ts";
import { accountOf } from "./plain-answer.ts";

export function openaiAnswer(line: BatchLine): Readonly<Record<string, unknown>> {
  const { result } = line;
  return {
    id: `batch_req_${bare(line.requestId)}`,
    custom_id: line.customId,
    ...(result === undefined
      ? failureParts(line)
      : { response: responseOf(line, 200, completion(line, result)), error: null }),
    millrace: { line: line.lineNo, provider: result?.provider ?? null, ...accountOf(line) },
  };
}

const bare = (id: string): string => id.replaceAll("-", "");

const responseOf = (line: BatchLine, status: number, body: unknown) => ({
  status_code: status,
  request_id: `req_${bare(line.requestId)}`,
  body,
});

const completion = (line: BatchLine, result: Result) => ({
  id: `chatcmpl-${bare(line.requestId)}`,
  object: "chat.completion",
  created: Math.floor((line.finishedAt?.getTime() ?? 0) / 1000),
  model: result.model,
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: result.text, refusal: null },
      logprobs: null,
      finish_reason: finishReasons[result.finish.unified],
    },
  ],
  usage: usageOf(line),
});

/** OpenAI's words; it has none for "other". */
const finishReasons: Readonly<Record<FinishReason["unified"], string>> = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  "tool-calls": "tool_calls",
  other: "stop",
};

/** Null unless both sides are known: clients add these up. */
const usageOf = ({ inputTokens, outputTokens }: BatchLine) =>
  inputTokens === undefined || outputTokens === undefined
    ? null
    : { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };

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
