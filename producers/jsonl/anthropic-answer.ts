/** The answer to a request of an Anthropic message batch, as its results have it. */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import { anthropicMessage } from "../wire/anthropic-message.ts";
import { failureOf } from "./line-failure.ts";

export const anthropicAnswer = (line: BatchLine): object => ({ custom_id: line.customId, result: resultOf(line) });

function resultOf(line: BatchLine): object {
  const { result, state, usage, requestId } = line;
  if (result !== undefined)
    return { type: "succeeded", message: anthropicMessage({ id: bare(requestId), result, usage }) };
  if (state === "cancelled") return { type: "canceled" };
  const { kind, message } = failureOf(line);
  if (kind === "deadline") return { type: "expired" };
  const error = { type: errorTypes[kind] ?? "api_error", message };
  return { type: "errored", error: { type: "error", error, request_id: `req_${bare(requestId)}` } };
}

const bare = (id: string): string => id.replaceAll("-", "");

/** Anthropic's error types by our failure kinds; the rest are the API's. */
const errorTypes: Readonly<Record<string, string>> = {
  client: "invalid_request_error",
  auth: "authentication_error",
  rate: "rate_limit_error",
  quotaDay: "rate_limit_error",
  quotaHard: "billing_error",
  capacity: "overloaded_error",
  timeout: "timeout_error",
};
