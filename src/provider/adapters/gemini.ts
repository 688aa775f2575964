/**
 * Google's Gemini API through @google/generative-ai; the only file that knows that package (its support has ended, so
 * its types know less than its wire carries). The wire itself is in `gemini/`, and Vertex speaks it too.
 *  - Every sampling parameter exists here; more than five stop sequences are refused by the API in its own words.
 *  - The SDK keeps response headers to itself, so there are no limits, no `retry-after` (RetryInfo in the body stands in)
 *    and the request id is the body's `responseId`. It also keeps the cause of a network error to itself, and its socket
 *    settings: a whole answer must begin within Node's 300 s.
 *  - A prompt or an answer blocked to the last word is a `client` failure; a blocked answer with text is a result that
 *    ends with `content-filter`.
 *  - Thoughts are output: `thoughtsTokenCount` is in the output tokens and apart as reasoning.
 */
import {
  type BatchEmbedContentsRequest,
  type GenerateContentRequest,
  GoogleGenerativeAI,
  GoogleGenerativeAIError,
  GoogleGenerativeAIFetchError,
} from "@google/generative-ai";
import type { EmbeddingBody } from "../../request/body.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import { known } from "../../runtime/known.ts";
import type { ErrorAnswer } from "../error-answer.ts";
import { type ErrorKnowledge, type Failing, failing } from "../failing.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, ConnectionSettings, Provider } from "../provider.ts";
import { answerOf, answersOf } from "../sdk-answer.ts";
import { transportFailure } from "../transport-failure.ts";
import { embedded, embeddingRequests } from "./gemini/embedding.ts";
import { classify } from "./gemini/errors.ts";
import { gathered, gathering } from "./gemini/gathering.ts";
import { requestOf, type WireObject } from "./gemini/request.ts";

export { classify };

type Address = Required<Pick<ConnectionSettings, "apiKey" | "baseUrl">>;

const id = "gemini";

export const gemini: Provider = {
  id,
  environment: {
    apiKey: ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    baseUrl: ["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
  },
  operations: ["chat", "embedding"],
  connect({ apiKey, baseUrl = "https://generativelanguage.googleapis.com" }) {
    const at = { apiKey, baseUrl: baseUrl.replace(/\/+$/, "") };
    // The SDK listens for the abort event only: a signal that was aborted before is never noticed.
    const notSent = (io: CallIo, fail: Failing) =>
      io.signal.aborted ? fail.because({ kind: "network", message: "not sent" }) : undefined;
    return {
      async chat(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        const request = requestOf(input.body, { provider: id, thinker: id, model: input.model });
        if (!request.ok) return fail.because({ kind: "client", message: request.message });
        const call = input.stream ? callStreamed : callWhole;
        return notSent(io, fail) ?? call(at, input, request.body, io, fail);
      },
      async embedding(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        return notSent(io, fail) ?? callEmbedding(at, input, io, fail);
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

async function callWhole(
  at: Address,
  input: CallInput,
  body: WireObject,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const sent = await answerOf(() => modelOf(at, input).generateContent(typed(body), options(at, input, io.signal)));
  if (!sent.ok) return fail.thrown(sent.error);
  return gathered({ thinker: id, fail, onDelta: () => {} }, sent.value.response);
}

async function callStreamed(
  at: Address,
  input: CallInput,
  body: WireObject,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const leave = new AbortController();
  const sent = options(at, input, AbortSignal.any([io.signal, leave.signal]));
  const opened = await answerOf(() => modelOf(at, input).generateContentStream(typed(body), sent));
  if (!opened.ok) return fail.thrown(opened.error);
  // The SDK collects the whole answer as well; when the stream breaks, that promise rejects with nobody listening.
  opened.value.response.catch(() => {});
  const answer = gathering({ thinker: id, fail, onDelta: (delta) => io.onDelta(delta) });
  try {
    for await (const step of answersOf<unknown>(opened.value.stream)) {
      if (!step.ok && answer.isFinished) break;
      if (!step.ok) return fail.thrown(step.error, answer.broken());
      io.onActivity();
      const failure = answer.take(step.value);
      if (failure !== undefined) return failure;
    }
  } finally {
    leave.abort();
  }
  return answer.ended();
}

async function callEmbedding(
  at: Address,
  input: CallInput<EmbeddingBody>,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  // Its types know neither lengths of vectors nor the caller's own fields.
  const body = { requests: embeddingRequests(input.body, id) } as BatchEmbedContentsRequest;
  const sent = await answerOf(() => modelOf(at, input).batchEmbedContents(body, options(at, input, io.signal)));
  return sent.ok ? embedded(sent.value, input.body.input.length, fail) : fail.thrown(sent.error);
}

/** The SDK sends the object as it stands; its types are of an older API. */
const typed = (body: WireObject) => body as unknown as GenerateContentRequest;

const modelOf = ({ apiKey }: Address, { model }: Pick<CallInput, "model">) =>
  new GoogleGenerativeAI(apiKey).getGenerativeModel({ model });

const options = ({ baseUrl }: Address, { correlation }: Pick<CallInput, "correlation">, signal: AbortSignal) => ({
  baseUrl,
  signal,
  customHeaders: known({ "x-millrace-request": correlation }),
});

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
