/**
 * Google's Gemini API through @google/generative-ai; the only file that knows that package (its support has ended, so
 * its types know less than its wire carries). The wire itself is in `gemini/`, and Vertex speaks it too.
 *  - Every sampling parameter exists here; more than five stop sequences are refused by the API in its own words.
 *  - Streams go over fetch, as at Vertex: the SDK reads each twice, and keeps every event until the end for a second
 *    reader that nobody asked for (90 KB a stream more than what is needed), and it swallows an error that comes first.
 *  - Of a whole answer the SDK keeps the headers to itself, so there is no `retry-after` (RetryInfo in the body stands in)
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
import { jsonRequest, openHttp, unpackFetch } from "../http.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, ConnectionSettings, Provider } from "../provider.ts";
import { answerOf } from "../sdk-answer.ts";
import { transportFailure } from "../transport-failure.ts";
import { embedded, embeddingRequests } from "./gemini/embedding.ts";
import { classify } from "./gemini/errors.ts";
import { gathered } from "./gemini/gathering.ts";
import { requestOf, type WireObject } from "./gemini/request.ts";
import { streamedAnswer } from "./gemini/streamed.ts";

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
    const send = openHttp(at.baseUrl, { "x-goog-api-key": apiKey });
    // The SDK listens for the abort event only: a signal that was aborted before is never noticed.
    const notSent = (io: CallIo, fail: Failing) =>
      io.signal.aborted ? fail.because({ kind: "network", message: "not sent" }) : undefined;
    return {
      async chat(input, io) {
        const fail = failing(input.stream ? fetchErrors : errors, io.signal, apiKey, input.body);
        const request = requestOf(input.body, { provider: id, thinker: id, model: input.model });
        if (!request.ok) return fail.because({ kind: "client", message: request.message });
        if (input.stream)
          return streamedAnswer(() => send(streamRequest(input, request.body), io.signal), id, io, fail);
        return notSent(io, fail) ?? callWhole(at, input, request.body, io, fail);
      },
      async embedding(input, io) {
        const fail = failing(errors, io.signal, apiKey, input.body);
        return notSent(io, fail) ?? callEmbedding(at, input, io, fail);
      },
      probe(io) {
        // The SDK cannot list models.
        const list = () => send({ method: "GET", path: "/v1beta/models?pageSize=1" }, io.signal);
        return probeOutcome(list, "models", failing(fetchErrors, io.signal, apiKey));
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

const streamRequest = ({ model, correlation }: CallInput, body: WireObject) =>
  jsonRequest(`/v1beta/${resourceOf(model)}:streamGenerateContent?alt=sse`, body, correlation);

/** A model that was tuned has its collection in its name; nothing else leads out of that of models. */
function resourceOf(model: string): string {
  const [, collection = "models", name = model] = /^(models|tunedModels)\/(.*)$/s.exec(model) ?? [];
  return `${collection}/${encodeURIComponent(name)}`;
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
    if (words.includes("Error fetching from")) return { failure: { kind: "network", message: "fetch failed" } };
    return { failure: transportFailure(error) };
  },
};

const fetchErrors: ErrorKnowledge = { ...errors, unpack: unpackFetch };

/** The SDK glues address, status, message and details into one text; this takes message and details out again. */
function bodyOf({ message, status, statusText, errorDetails: details }: GoogleGenerativeAIFetchError): unknown {
  const opening = `: [${status} ${statusText}] `;
  const words = message.slice(message.indexOf(opening) + opening.length);
  const glued = details === undefined ? "" : ` ${JSON.stringify(details)}`;
  return words === "" ? "" : { error: { message: words.slice(0, words.length - glued.length), details } };
}
