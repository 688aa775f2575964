/** OpenAI's chat completions, by the types of the openai SDK and captured errors and headers. */
import type { LimitReading } from "./allowance.ts";
import type { Answer } from "./answer.ts";
import { readOpenai } from "./ask-openai.ts";
import { goDuration } from "./go-duration.ts";
import type { Problem, RateRefusal, Refusal } from "./refusal.ts";
import { type AnswerContext, json, type Page, type Wire } from "./wire.ts";

export const openaiWire: Wire = {
  vendor: "openai",
  keyOf: ({ headers: sent }) =>
    typeof sent["api-key"] === "string" ? sent["api-key"] : sent.authorization?.replace(/^Bearer\s+/i, ""),
  read: readOpenai,
  headers,
  refuse,
  whole: (answer) =>
    JSON.stringify({
      ...frame(answer, "chat.completion"),
      choices: [
        {
          index: 0,
          message: { role: "assistant", ...said(answer), refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: finishes[answer.finish.reason],
        },
      ],
      ...usageOf(answer),
    }),
  opening: (answer) => chunk(answer, { role: "assistant", content: "", refusal: null }, null),
  piece: (answer, content) => chunk(answer, { content }, null),
  call(answer, { name, input }, index) {
    const half = Math.ceil(input.length / 2);
    const opened = { index, id: callId(answer, index), type: "function", function: { name, arguments: "" } };
    const pieces = [input.slice(0, half), input.slice(half)].map((part) => ({ index, function: { arguments: part } }));
    return [opened, ...pieces].map((call) => chunk(answer, { tool_calls: [call] }, null));
  },
  empty: (answer) => JSON.stringify({ ...frame(answer, "chat.completion"), choices: [], ...usageOf(answer) }),
  closing(answer) {
    const isCounted = answer.usageInStream && answer.usage !== undefined;
    const counts = { ...frame(answer, "chat.completion.chunk"), choices: [], ...usageOf(answer) };
    return `${chunk(answer, {}, finishes[answer.finish.reason])}${isCounted ? event(counts) : ""}data: [DONE]\n\n`;
  },
  brokenPiece: (answer) => `${chunk(answer, { content: "" }, null).slice(0, -40)}\n\n`,
  errorEvent: () => event({ error: bodyOf(errorOf({ kind: "server-error" }, undefined)) }),
  models: (names) =>
    JSON.stringify({
      object: "list",
      data: names.map((id) => ({ id, object: "model", created: 1_767_225_600, owned_by: "system" })),
    }),
};

const callId = ({ id }: Answer, index: number): string => `call_sim${id}${index}`;

const said = (answer: Answer) =>
  answer.calls === undefined
    ? { content: answer.finish.reason === "filtered" ? null : answer.text }
    : {
        content: null,
        tool_calls: answer.calls.map(({ name, input }, index) => ({
          id: callId(answer, index),
          type: "function",
          function: { name, arguments: input },
        })),
      };

const frame = (answer: Answer, object: string) => ({
  id: `chatcmpl-sim${answer.id}`,
  object,
  created: Math.floor(answer.createdMs / 1000),
  model: answer.model,
  service_tier: "default",
  system_fingerprint: "fp_sim0000001",
});

const finishes = {
  end: "stop",
  length: "length",
  "stop-sequence": "stop",
  "tool-calls": "tool_calls",
  filtered: "content_filter",
} as const;

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

/** With `include_usage`, every chunk but the last says that its usage is null. */
const chunk = (answer: Answer, delta: object, finish: string | null): string =>
  event({
    ...frame(answer, "chat.completion.chunk"),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(answer.usageInStream ? { usage: null } : {}),
  });

const usageOf = ({ usage }: Answer) =>
  usage === undefined
    ? {}
    : {
        usage: {
          prompt_tokens: usage.inputTokens,
          completion_tokens: usage.outputTokens,
          total_tokens: usage.inputTokens + usage.outputTokens,
          prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
          completion_tokens_details: {
            reasoning_tokens: 0,
            audio_tokens: 0,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
          },
        },
      };

function headers({ requestId, limits, processingMs }: AnswerContext): Record<string, string> {
  return {
    "x-request-id": requestId,
    "openai-organization": organization,
    "openai-version": "2020-10-01",
    "openai-processing-ms": `${Math.round(processingMs)}`,
    ...limitHeaders("requests", limits.requests ?? limits.requestsPerDay),
    ...limitHeaders("tokens", limits.tokens ?? limits.inputTokens),
  };
}

const organization = "org-simulated";

const limitHeaders = (name: string, reading: LimitReading | undefined): Record<string, string> =>
  reading === undefined
    ? {}
    : {
        [`x-ratelimit-limit-${name}`]: `${reading.limit}`,
        [`x-ratelimit-remaining-${name}`]: `${reading.remaining}`,
        [`x-ratelimit-reset-${name}`]: goDuration(reading.fullInMs),
      };

function refuse(refusal: Refusal, context: AnswerContext): Page {
  const error = errorOf(refusal, context.model);
  const wait =
    refusal.kind === "rate"
      ? { "retry-after": `${Math.ceil(refusal.retryAfterMs / 1000)}`, "retry-after-ms": `${refusal.retryAfterMs}` }
      : {};
  return {
    status: error.status,
    headers: { ...headers(context), "content-type": json, ...wait },
    body: JSON.stringify({ error: bodyOf(error) }, undefined, 2),
  };
}

interface WireError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param?: string;
  readonly code?: string;
}

const bodyOf = ({ message, type, param, code }: WireError) => ({
  message,
  type,
  param: param ?? null,
  code: code ?? null,
});

const wrong = "invalid_request_error";

function errorOf(refusal: Refusal, model: string | undefined): WireError {
  switch (refusal.kind) {
    case "no-key":
      return { status: 401, type: wrong, message: "You didn't provide an API key in an Authorization header." };
    case "wrong-key": {
      const shown = `${refusal.key.slice(0, 4)}****${refusal.key.slice(-4)}`;
      return { status: 401, type: wrong, code: "invalid_api_key", message: `Incorrect API key provided: ${shown}.` };
    }
    case "unreadable":
      return { status: 400, type: wrong, message: "We could not parse the JSON body of your request." };
    case "invalid":
      return { status: 400, type: wrong, ...problem(refusal.problem) };
    case "unknown-model": {
      const message = `The model \`${refusal.model}\` does not exist or you do not have access to it.`;
      return { status: 404, type: wrong, code: "model_not_found", message };
    }
    case "unknown-path":
      return { status: 404, type: wrong, message: `Invalid URL (${refusal.method} ${refusal.path})` };
    case "too-large":
      return { status: 413, type: wrong, message: `Maximum content size limit (${refusal.limitBytes}) exceeded.` };
    case "rate":
      return { status: 429, ...rate(refusal, model) };
    case "quota": {
      const message = "You exceeded your current quota, please check your plan and billing details.";
      return { status: 429, type: "insufficient_quota", code: "insufficient_quota", message };
    }
    case "server-error": {
      const message = "The server had an error while processing your request. Sorry about that!";
      return { status: 500, type: "server_error", message };
    }
    case "unavailable":
      return { status: 503, type: "server_error", message: "The service is temporarily unavailable." };
    case "overloaded": {
      const message = "The server is currently overloaded with other requests. Sorry about that!";
      return { status: 503, type: "server_error", code: "server_is_overloaded", message };
    }
  }
}

function problem({ path, isMissing, message, code }: Problem) {
  if (path === "model" && isMissing) return { message: "you must provide a model parameter" };
  const param = path.replace(/\.(\d+)/g, "[$1]");
  return isMissing
    ? { param, code: "missing_required_parameter", message: `Missing required parameter: '${param}'.` }
    : { param, code: code ?? "invalid_value", message };
}

const units = {
  requests: ["requests", "requests per min (RPM)"],
  requestsPerDay: ["requests", "requests per day (RPD)"],
  inputTokens: ["tokens", "tokens per min (TPM)"],
  outputTokens: ["tokens", "tokens per min (TPM)"],
  tokens: ["tokens", "tokens per min (TPM)"],
  concurrency: ["requests", "concurrent requests"],
} as const;

function rate({ dimension, limit, used, requested, retryAfterMs, isTooLarge }: RateRefusal, model: string | undefined) {
  const [type, unit] = units[dimension];
  const place = `for ${model ?? ""} in organization ${organization} on ${unit}`;
  const message = isTooLarge
    ? `Request too large ${place}: Limit ${limit}, Requested ${requested}. The input or output tokens must be reduced.`
    : `Rate limit reached ${place}: Limit ${limit}, Used ${used}, Requested ${requested}. ` +
      `Please try again in ${goDuration(retryAfterMs)}.`;
  return { type, code: "rate_limit_exceeded", message };
}
