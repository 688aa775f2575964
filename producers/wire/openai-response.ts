/** A response as OpenAI's wire has it, in every state that a request may be in. Pure. */
import { type ChatBody, systemText } from "../../src/request/body.ts";
import type { Result } from "../../src/request/result.ts";
import type { ResponseFormat } from "../../src/request/tools.ts";
import type { Usage } from "../../src/request/usage.ts";
import { known } from "../../src/runtime/known.ts";
import { isRefusal } from "./openai-completion.ts";
import { outputItems, responseId } from "./openai-response-output.ts";

export interface ResponseTerms {
  /** Of the request. */
  readonly id: string;
  readonly createdSeconds: number;
  /** What was asked for, which a response says again; undefined: it is no longer kept. */
  readonly body: ChatBody | undefined;
  readonly isBackground: boolean;
}

export type ResponseState =
  | { readonly status: "queued" | "in_progress" | "cancelled"; readonly model: string }
  | { readonly status: "failed"; readonly model: string; readonly error: ResponseError }
  | { readonly status: "ended"; readonly result: Result; readonly usage: Usage };

export interface ResponseError {
  readonly code: "server_error" | "rate_limit_exceeded" | "invalid_prompt";
  readonly message: string;
}

export function responseJson(terms: ResponseTerms, state: ResponseState) {
  const { id, createdSeconds, body, isBackground } = terms;
  return {
    id: responseId(id),
    object: "response",
    created_at: createdSeconds,
    background: isBackground,
    ...stateJson(id, state),
    instructions: body === undefined || body.system === undefined ? null : systemText(body),
    max_output_tokens: body?.maxOutputTokens ?? null,
    metadata: body?.metadata ?? {},
    parallel_tool_calls: body?.parallelToolCalls ?? true,
    previous_response_id: null,
    reasoning: { effort: body?.reasoning?.effort ?? null, summary: null },
    store: true,
    temperature: body?.temperature ?? null,
    text: { format: formatJson(body?.responseFormat) },
    tool_choice: choiceJson(body?.toolChoice),
    tools: (body?.tools ?? []).map(({ name, description = null, parameters, strict = null }) => ({
      type: "function",
      name,
      description,
      parameters,
      strict,
    })),
    top_p: body?.topP ?? null,
    truncation: "disabled",
    ...known({ user: body?.userId }),
  };
}

/** Usage is left out where there is none: the document knows no null. */
const nothing = { error: null, incomplete_details: null, output: [] };

function stateJson(id: string, state: ResponseState) {
  if (state.status === "failed") return { ...nothing, status: state.status, model: state.model, error: state.error };
  if (state.status !== "ended") return { ...nothing, status: state.status, model: state.model };
  const { result, usage } = state;
  const reason = isRefusal(result) ? undefined : reasons[result.finish.unified];
  return {
    status: reason === undefined ? "completed" : "incomplete",
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    model: result.model,
    output: outputItems(id, result),
    ...known({ usage: responseUsage(usage) }),
  };
}

const reasons: Readonly<Partial<Record<Result["finish"]["unified"], string>>> = {
  length: "max_output_tokens",
  "content-filter": "content_filter",
};

/** Undefined unless both sides are known. The wire has no word for details that nobody told: its 0 says no more than "none told". */
export function responseUsage({
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
  reasoningTokens,
}: Usage) {
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cacheReadTokens ?? 0, cache_write_tokens: cacheWriteTokens ?? 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens ?? 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

function formatJson(format: ResponseFormat | undefined) {
  if (format === undefined || format.type === "text") return { type: "text" };
  if (format.type === "json") return { type: "json_object" };
  const { name = "answer", schema, strict = null } = format;
  return { type: "json_schema", name, schema, strict };
}

const choiceJson = (choice: ChatBody["toolChoice"]) =>
  typeof choice === "object" ? { type: "function", name: choice.name } : (choice ?? "auto");
