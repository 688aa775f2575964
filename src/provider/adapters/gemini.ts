/**
 * Google's Gemini API through @google/generative-ai; the only file that knows that package (its support has ended).
 *  - Every sampling parameter exists here; more than five stop sequences are refused by the API in its own words.
 *  - The SDK keeps response headers to itself, so there are no limits, no `retry-after` (RetryInfo in the body stands in)
 *    and the request id is the body's `responseId`. It also keeps the cause of a network error to itself, and its socket
 *    settings: a whole answer must begin within Node's 300 s.
 *  - A prompt or an answer blocked to the last word is a `client` failure; a blocked answer with text is a result that
 *    ends with `content-filter`.
 *  - Thoughts are output: `thoughtsTokenCount` is in the output tokens and apart as reasoning.
 */
import { GoogleGenerativeAI, GoogleGenerativeAIError, GoogleGenerativeAIFetchError } from "@google/generative-ai";
import { z } from "zod";
import type { Failure, FailureKind } from "../../request/failure.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import type { FinishReason } from "../../request/result.ts";
import type { Usage } from "../../request/usage.ts";
import { answered } from "../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../error-answer.ts";
import { type ErrorKnowledge, type Failing, failing } from "../failing.ts";
import { known } from "../known.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, ConnectionSettings, Provider } from "../provider.ts";
import { durationMs, retryAfterMs, waitInMessage } from "../retry-after.ts";
import { answerOf, answersOf } from "../sdk-answer.ts";
import { tokenCount, usageOf } from "../token-counts.ts";
import { transportFailure } from "../transport-failure.ts";

type Address = Required<ConnectionSettings>;

export const gemini: Provider = {
  id: "gemini",
  environment: {
    apiKey: ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    baseUrl: ["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
  },
  connect({ apiKey, baseUrl = "https://generativelanguage.googleapis.com" }) {
    const at = { apiKey, baseUrl: baseUrl.replace(/\/+$/, "") };
    return {
      async call(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        // The SDK listens for the abort event only: a signal that was aborted before is never noticed.
        if (io.signal.aborted) return fail.because({ kind: "network", message: "not sent" });
        return input.stream ? callStreamed(at, input, io, fail) : callWhole(at, input, io, fail);
      },
      probe(io) {
        // The SDK cannot list models.
        const sent = { signal: io.signal, headers: { "x-goog-api-key": apiKey } };
        const send = () => fetch(`${at.baseUrl}/v1beta/models?pageSize=1`, sent);
        return probeOutcome(send, "models", failing(errors, io.signal, apiKey));
      },
    };
  },
};

const usageSchema = z.record(z.string(), tokenCount).optional().catch(undefined);
type WireUsage = z.infer<typeof usageSchema>;

const partSchema = z.object({ text: z.string().optional(), thought: z.boolean().optional() });
const contentSchema = z.object({ parts: z.array(partSchema).optional() });
const answerSchema = z.object({
  candidates: z.array(z.object({ content: contentSchema.optional(), finishReason: z.string().optional() })).optional(),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional().catch(undefined),
  usageMetadata: usageSchema,
  responseId: z.string().optional().catch(undefined),
  error: z.unknown().optional(),
});
type Answer = z.infer<typeof answerSchema>;

async function callWhole(at: Address, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const sent = await answerOf(() => modelOf(at, input).generateContent(wireBody(input), options(at, input, io.signal)));
  if (!sent.ok) return fail.thrown(sent.error);
  const body: unknown = sent.value.response;
  const answer = answerSchema.safeParse(body);
  if (!answer.success || answer.data.error !== undefined) return fail.refused(inBody(body, 200));
  const { candidates, promptFeedback, usageMetadata, responseId } = answer.data;
  const usage = tokens(usageMetadata);
  const side = { usage, providerRequestId: responseId };
  if (promptFeedback?.blockReason) return fail.because(blockedPrompt(promptFeedback.blockReason), side);
  if (candidates?.[0] === undefined) return fail.refused(inBody(body, 200), side);
  return answered(textOf(answer.data), finishOf(candidates[0].finishReason), usage, side);
}

async function callStreamed(at: Address, input: CallInput, io: CallIo, fail: Failing): Promise<CallOutcome> {
  const leave = new AbortController();
  const sent = options(at, input, AbortSignal.any([io.signal, leave.signal]));
  const opened = await answerOf(() => modelOf(at, input).generateContentStream(wireBody(input), sent));
  if (!opened.ok) return fail.thrown(opened.error);
  // The SDK collects the whole answer as well; when the stream breaks, that promise rejects with nobody listening.
  opened.value.response.catch(() => {});
  let text = "";
  let usage: WireUsage;
  let providerRequestId: string | undefined;
  let blocked: string | undefined;
  let reason: string | undefined;
  let isCounted = false;
  const broken = () => ({ providerRequestId, usage: inputTokens(usage) });
  try {
    for await (const step of answersOf<unknown>(opened.value.stream)) {
      if (!step.ok) return fail.thrown(step.error, broken());
      io.onActivity();
      const chunk = answerSchema.safeParse(step.value);
      if (!chunk.success) return fail.because({ kind: "server", message: "an event cannot be read" }, broken());
      if (chunk.data.error !== undefined) return fail.refused(inBody(step.value), broken());
      usage = chunk.data.usageMetadata ?? usage;
      providerRequestId = chunk.data.responseId ?? providerRequestId;
      blocked = chunk.data.promptFeedback?.blockReason ?? blocked;
      reason = chunk.data.candidates?.[0]?.finishReason ?? reason;
      isCounted ||= reason !== undefined && chunk.data.usageMetadata !== undefined;
      const piece = textOf(chunk.data);
      if (piece !== "") {
        text += piece;
        io.onText(piece);
      }
    }
  } finally {
    leave.abort();
  }
  const side = isCounted ? { providerRequestId, usage: tokens(usage) } : broken();
  if (reason !== undefined) return answered(text, finishOf(reason), side.usage, side);
  if (blocked !== undefined) return fail.because(blockedPrompt(blocked), side);
  return fail.because({ kind: "stream", message: "the stream ended without finishReason" }, broken());
}

const modelOf = ({ apiKey }: Address, { model }: CallInput) =>
  new GoogleGenerativeAI(apiKey).getGenerativeModel({ model });

function wireBody({ body }: CallInput) {
  const { system, maxOutputTokens, stop, temperature, topP, topK, seed } = body;
  return {
    contents: body.messages.map(({ role, content }) => ({
      role: role === "assistant" ? "model" : "user",
      parts: content.map(({ text }) => ({ text })),
    })),
    generationConfig: known({ maxOutputTokens, stopSequences: stop, temperature, topP, topK, seed }),
    ...known({ systemInstruction: system }),
  };
}

const options = ({ baseUrl }: Address, { correlation }: CallInput, signal: AbortSignal) => ({
  baseUrl,
  signal,
  customHeaders: known({ "x-millrace-request": correlation }),
});

const textOf = ({ candidates }: Answer): string =>
  (candidates?.[0]?.content?.parts ?? []).map((part) => (part.thought === true ? "" : (part.text ?? ""))).join("");

const withheld = ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"];
function finishOf(raw = ""): FinishReason {
  const whole = raw === "STOP" ? "stop" : raw === "MAX_TOKENS" ? "length" : "other";
  return { unified: withheld.includes(raw) ? "content-filter" : whole, raw };
}

const blockedPrompt = (code: string): Failure => ({ kind: "client", message: `the prompt is blocked: ${code}`, code });

function tokens(wire: WireUsage): Usage {
  const { promptTokenCount: input, candidatesTokenCount: visible, totalTokenCount: total } = wire ?? {};
  // Protobuf leaves out what is zero: a missing output count is unknown only where the total does not tell it.
  const rest = input === undefined || total === undefined || total < input ? undefined : total - input;
  const outputTokens = visible === undefined ? rest : visible + (wire?.thoughtsTokenCount ?? 0);
  return usageOf({ ...inputTokens(wire), outputTokens, reasoningTokens: wire?.thoughtsTokenCount });
}

/** What a broken stream leaves known: counts of output run on until the end. */
const inputTokens = (wire: WireUsage): Usage =>
  usageOf({ inputTokens: wire?.promptTokenCount, cacheReadTokens: wire?.cachedContentTokenCount });

const detailSchema = z.object({
  reason: z.string().optional(),
  retryDelay: z.string().optional(),
  violations: z.array(z.object({ quotaId: z.string().optional(), quotaValue: z.string().optional() })).optional(),
});
const errorSchema = z.object({
  code: z.number().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z.array(detailSchema.catch({})).optional().catch(undefined),
});
const errorBodySchema = z.object({ error: errorSchema }).catch({ error: {} });

/** What an error of Gemini's means. Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { error } = errorBodySchema.parse(answer.body);
  const isHttpError = answer.status !== undefined && answer.status >= 400;
  const status = isHttpError ? answer.status : (error.code ?? answer.status);
  const details = error.details ?? [];
  const words = error.message ?? "";
  const quotas = details.flatMap(({ violations }) => violations ?? []);
  const reason = details.map((detail) => detail.reason).find((found) => found !== undefined);
  const delay = details.map(({ retryDelay }) => durationMs(retryDelay ?? "")).find((found) => found !== undefined);
  const wait = retryAfterMs(answer.headers, nowMs) ?? delay ?? waitInMessage(words);
  return {
    kind: status === 429 ? quotaKind(quotas, words, error.status) : kindOf(status, reason, words),
    message: error.message ?? bareMessage(answer),
    ...known({ status, code: quotas[0]?.quotaId ?? reason ?? error.status, retryAfterMs: wait }),
  };
}

type Quota = { readonly quotaId?: string | undefined; readonly quotaValue?: string | undefined };

function quotaKind(quotas: readonly Quota[], words: string, code: string | undefined): FailureKind {
  // A quota of zero never passes, whatever the retry hint says.
  if (/\blimit: 0\b/.test(words) || quotas.some(({ quotaValue }) => quotaValue === "0")) return "quotaHard";
  if (/credits are depleted/i.test(words)) return "quotaHard";
  const isDaily = code === "quota_exceeded" || quotas.some(({ quotaId }) => /PerDay/i.test(quotaId ?? ""));
  return isDaily ? "quotaDay" : "rate";
}

function kindOf(status: number | undefined, reason: string | undefined, words: string): FailureKind {
  // A wrong key is a 400 here; so is a country without service, and one where only paying accounts have it.
  if (reason?.startsWith("API_KEY") || /api key (?:not valid|expired)/i.test(words)) return "auth";
  if (status === 400 && /enable billing/i.test(words)) return "quotaHard";
  if (status === 400 && /location is not supported/i.test(words)) return "auth";
  return kindOfStatus(status);
}

const inBody = (body: unknown, status?: number): ErrorAnswer => ({ body, status, headers: new Headers() });

const errors: ErrorKnowledge = {
  classify,
  sideOf: () => ({}),
  unpack(error) {
    if (error instanceof GoogleGenerativeAIFetchError && error.status !== undefined) {
      return { answer: inBody(bodyOf(error), error.status) };
    }
    const words = error instanceof GoogleGenerativeAIError ? error.message : "";
    if (words.includes("Error parsing JSON")) return { failure: { kind: "server", message: "an event is not JSON" } };
    if (words.includes("Failed to parse")) return { failure: { kind: "stream", message: "an event is cut off" } };
    if (words.includes("Error reading from")) return { failure: { kind: "network", message: "the stream broke off" } };
    if (words.includes("Error fetching from")) return { failure: { kind: "network", message: "fetch failed" } };
    return { failure: transportFailure(error) };
  },
};

/** The SDK glues address, status, message and details into one text; this takes message and details out again. */
function bodyOf({ message, status, statusText, errorDetails: details }: GoogleGenerativeAIFetchError): unknown {
  const opening = `: [${status} ${statusText}] `;
  const words = message.slice(message.indexOf(opening) + opening.length);
  const glued = details === undefined ? "" : ` ${JSON.stringify(details)}`;
  return words === "" ? "" : { error: { message: words.slice(0, words.length - glued.length), details } };
}
