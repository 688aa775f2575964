/** Google's Gemini API (generateContent), by the types of @google/generative-ai and captured errors and streams. */

import type { Answer } from "./answer.ts";
import { readGemini } from "./ask-gemini.ts";
import type { Problem, RateRefusal, Refusal } from "./refusal.ts";
import type { DraftCall } from "./tool-draft.ts";
import { type AnswerContext, json, type Page, type Wire } from "./wire.ts";

export const geminiWire: Wire = {
  vendor: "gemini",
  keyOf: ({ headers, query }) =>
    typeof headers["x-goog-api-key"] === "string" ? headers["x-goog-api-key"] : (query.get("key") ?? undefined),
  read: readGemini,
  headers: () => ({}), // it says nothing about limits, and its request id is in the body
  refuse,
  whole: (answer) => JSON.stringify(chunk(answer, partsOf(answer), finishes[answer.finish.reason]), undefined, 2),
  opening: () => "",
  piece: (answer, text) => event(chunk(answer, [{ text }], undefined)),
  call: (answer, call) => [event(chunk(answer, [callPart(call)], undefined))],
  empty: (answer) => JSON.stringify({ ...chunk(answer, [], undefined), candidates: [] }, undefined, 2),
  closing: (answer) => event(chunk(answer, [{ text: "" }], finishes[answer.finish.reason])),
  brokenPiece: (answer) => `${event(chunk(answer, [{ text: "" }], undefined)).slice(0, -40)}\r\n\r\n`,
  errorEvent: () => event({ error: bodyOf(errorOf({ kind: "overloaded" }, undefined)) }),
  models: (names) =>
    JSON.stringify({
      models: names.map((name) => ({
        name: `models/${name}`,
        version: "001",
        displayName: name,
        inputTokenLimit: 1_048_576,
        outputTokenLimit: 65_536,
        supportedGenerationMethods: ["generateContent", "streamGenerateContent"],
      })),
    }),
};

const partsOf = ({ text, calls }: Answer): readonly object[] =>
  calls === undefined ? [{ text }] : calls.map(callPart);

/** Arguments are JSON in the answer's own: broken ones are a text there. */
function callPart({ name, input }: DraftCall): object {
  try {
    return { functionCall: { name, args: JSON.parse(input) } };
  } catch {
    return { functionCall: { name, args: input } };
  }
}

const finishes = {
  end: "STOP",
  length: "MAX_TOKENS",
  "stop-sequence": "STOP",
  "tool-calls": "STOP",
  filtered: "SAFETY",
} as const;

/** Output is counted only where the answer ends. */
const chunk = (answer: Answer, parts: readonly object[], finishReason: string | undefined) => ({
  candidates: [
    {
      // What was filtered has no content at all.
      ...(answer.finish.reason === "filtered" ? {} : { content: { parts, role: "model" } }),
      ...(finishReason === undefined ? {} : { finishReason }),
      index: 0,
    },
  ],
  ...usageOf(answer, finishReason !== undefined),
  modelVersion: answer.model,
  responseId: `sim${answer.id}`,
});

function usageOf({ usage }: Answer, isWhole: boolean) {
  if (usage === undefined) return {};
  const { inputTokens, outputTokens } = usage;
  const prompt = {
    promptTokenCount: inputTokens,
    totalTokenCount: inputTokens + (isWhole ? outputTokens : 0),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: inputTokens }],
  };
  return { usageMetadata: isWhole ? { ...prompt, candidatesTokenCount: outputTokens } : prompt };
}

const event = (data: object): string => `data: ${JSON.stringify(data)}\r\n\r\n`;

function refuse(refusal: Refusal, { model }: AnswerContext): Page {
  const error = errorOf(refusal, model);
  return {
    status: error.code,
    headers: { "content-type": `${json}; charset=UTF-8` },
    body: JSON.stringify({ error: bodyOf(error) }, undefined, 2),
  };
}

interface WireError {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly object[];
}

const bodyOf = ({ code, message, status, details }: WireError) =>
  details === undefined ? { code, message, status } : { code, message, status, details };

function errorOf(refusal: Refusal, model: string | undefined): WireError {
  switch (refusal.kind) {
    case "no-key": {
      const message = "Method doesn't allow unregistered callers. Please use API Key or other form of identity.";
      return { code: 403, status: "PERMISSION_DENIED", message };
    }
    case "wrong-key": {
      const message = "API key not valid. Please pass a valid API key.";
      return { code: 400, status: "INVALID_ARGUMENT", message, details: wrongKeyDetails(message) };
    }
    case "unreadable":
      return { code: 400, status: "INVALID_ARGUMENT", message: "Invalid JSON payload received." };
    case "invalid":
      return { code: 400, status: "INVALID_ARGUMENT", message: words(refusal.problem) };
    case "unknown-model": {
      const message = `models/${refusal.model} is not found for API version v1beta, or is not supported for generateContent.`;
      return { code: 404, status: "NOT_FOUND", message };
    }
    case "unknown-path":
      return { code: 404, status: "NOT_FOUND", message: `The requested URL ${refusal.path} was not found.` };
    case "too-large": {
      const message = `Request payload size exceeds the limit: ${refusal.limitBytes} bytes.`;
      return { code: 400, status: "INVALID_ARGUMENT", message };
    }
    case "rate":
      return exhausted(quotas[refusal.dimension], refusal.limit, model, retryInfo(refusal));
    case "quota": // a quota of zero: whoever waits waits for nothing
      return exhausted(
        ["generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"],
        0,
        model,
      );
    case "server-error":
      return { code: 500, status: "INTERNAL", message: "An internal error has occurred. Please retry." };
    case "unavailable":
      return { code: 503, status: "UNAVAILABLE", message: "The service is currently unavailable." };
    case "overloaded":
      return { code: 503, status: "UNAVAILABLE", message: "The model is overloaded. Please try again later." };
  }
}

const words = ({ path, isMissing, message }: Problem): string =>
  `* GenerateContentRequest.${path}: ${isMissing ? `${path} is not specified` : message}\n`;

const wrongKeyDetails = (message: string) => [
  {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "API_KEY_INVALID",
    domain: "googleapis.com",
    metadata: { service: "generativelanguage.googleapis.com" },
  },
  { "@type": "type.googleapis.com/google.rpc.LocalizedMessage", locale: "en-US", message },
];

/** Metric and quota id. It has no limit of concurrency; where one is set, it looks like requests. */
type Quota = readonly [metric: string, id: string];
const requestsQuota: Quota = ["generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel"];
const inputQuota: Quota = [
  "generate_content_paid_tier_input_token_count",
  "GenerateContentPaidTierInputTokensPerModelPerMinute",
];
const quotas: Readonly<Record<RateRefusal["dimension"], Quota>> = {
  requests: requestsQuota,
  requestsPerDay: ["generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel"],
  inputTokens: inputQuota,
  outputTokens: ["generate_content_output_token_count", "GenerateContentOutputTokensPerModelPerMinute"],
  tokens: inputQuota,
  concurrency: requestsQuota,
};

const secondsOf = (ms: number): string => `${ms / 1000}s`;
const retryInfo = ({ retryAfterMs }: RateRefusal) => ({
  "@type": "type.googleapis.com/google.rpc.RetryInfo",
  retryDelay: secondsOf(retryAfterMs),
});

function exhausted(
  [name, quotaId]: Quota,
  limit: number,
  model = "",
  retry?: { readonly retryDelay: string },
): WireError {
  const quotaMetric = `generativelanguage.googleapis.com/${name}`;
  const violation = { quotaMetric, quotaId, quotaDimensions: { location: "global", model }, quotaValue: `${limit}` };
  const url = "https://ai.google.dev/gemini-api/docs/rate-limits";
  return {
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    message:
      "You exceeded your current quota, please check your plan and billing details.\n" +
      `* Quota exceeded for metric: ${quotaMetric}, limit: ${limit}, model: ${model}` +
      (retry === undefined ? "" : `\nPlease retry in ${retry.retryDelay}.`),
    details: [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [violation] },
      {
        "@type": "type.googleapis.com/google.rpc.Help",
        links: [{ description: "Learn more about Gemini API quotas", url }],
      },
      ...(retry === undefined ? [] : [retry]),
    ],
  };
}
