/**
 * Deepgram's transcription of recordings (POST /v1/listen) over plain HTTP: its SDK hides headers of errors.
 *  - Sound goes as bytes, or as an address that Deepgram fetches itself.
 *  - Everything that is asked is in the query; `providerOptions.deepgram` are further fields of it, a list one for each value.
 *  - No language: Deepgram detects the prevailing one. `multi` is its word for several at once.
 *  - Expected words are `keyterm` where the model knows that, else `keywords`.
 *  - Silence is an answer: no text.
 */
import { z } from "zod";
import type { TranscriptionBody } from "../../request/body.ts";
import type { Failure, FailureKind } from "../../request/failure.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import type { Transcript } from "../../request/result.ts";
import { known } from "../../runtime/known.ts";
import { answered } from "../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../error-answer.ts";
import { type ErrorKnowledge, type Failing, failing } from "../failing.ts";
import { type HttpRequest, jsonRequest, openHttp, receiveJson, type Send, unpackFetch } from "../http.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, Provider } from "../provider.ts";
import { retryAfterMs } from "../retry-after.ts";

export const deepgram: Provider = {
  id: "deepgram",
  environment: { apiKey: ["DEEPGRAM_API_KEY"], baseUrl: ["DEEPGRAM_BASE_URL"] },
  operations: ["transcription"],
  connect({ apiKey, baseUrl }) {
    const send = openHttp(baseUrl ?? "https://api.deepgram.com", { authorization: `Token ${apiKey}` });
    return {
      transcription: (input, io) => listen(send, input, io, failing(errors, io.signal, apiKey, input.body)),
      probe(io) {
        const list = () => send({ method: "GET", path: "/v1/projects" }, io.signal);
        return probeOutcome(list, "projects", failing(errors, io.signal, apiKey));
      },
    };
  },
};

const wordSchema = z.object({
  word: z.string(),
  punctuated_word: z.string().optional(),
  start: z.number(),
  end: z.number(),
  confidence: z.number().optional(),
  speaker: z.number().int().optional(),
});
const channelSchema = z.object({
  alternatives: z
    .array(
      z.object({
        transcript: z.string(),
        confidence: z.number().optional(),
        words: z.array(wordSchema).optional().catch(undefined),
      }),
    )
    .min(1),
  detected_language: z.string().optional(),
});
const utteranceSchema = z.object({
  transcript: z.string(),
  start: z.number(),
  end: z.number(),
  confidence: z.number().optional(),
  speaker: z.number().int().optional(),
});
const answerSchema = z.object({
  metadata: z
    .object({
      request_id: z.string().optional().catch(undefined),
      duration: z.number().nonnegative().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  results: z.object({
    channels: z.array(channelSchema).min(1),
    utterances: z.array(utteranceSchema).optional().catch(undefined),
  }),
});
type WireAnswer = z.infer<typeof answerSchema>;

async function listen(
  send: Send,
  input: CallInput<TranscriptionBody>,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const request = requestOf(input);
  if ("kind" in request) return fail.because(request);
  const received = await receiveJson(() => send(request, io.signal), answerSchema, fail);
  if (!received.ok) return received.outcome;
  const { metadata, results } = received.value;
  const text = results.channels.map(({ alternatives }) => alternatives[0]?.transcript ?? "").join("\n");
  // Channels that are heard apart are billed apart.
  const seconds = metadata?.duration === undefined ? undefined : metadata.duration * results.channels.length;
  const side = fail.sideOf(received.headers);
  return answered(
    { text: text.trim(), transcript: transcriptOf(received.value, input.body) },
    { unified: "stop", raw: "" },
    known({ audioSeconds: seconds }),
    { ...side, providerRequestId: side.providerRequestId ?? metadata?.request_id },
  );
}

function requestOf({ model, body, correlation }: CallInput<TranscriptionBody>): HttpRequest | Failure {
  const { source } = body;
  const path = `/v1/listen?${queryOf(model, body)}`;
  if ("data" in source) {
    const headers = { "content-type": source.mediaType };
    return { path, headers, body: Buffer.from(source.data, "base64"), correlation };
  }
  if (/^https?:/i.test(source.url)) return jsonRequest(path, { url: source.url }, correlation);
  return {
    kind: "client",
    message: "Deepgram fetches sound from http and https addresses only; hand in another, or bytes",
  };
}

function queryOf(model: string, body: TranscriptionBody): URLSearchParams {
  const { language, diarize, smartFormat, vocabulary = [], providerOptions } = body;
  const vocabularyField = /^(?:nova-3|flux)/.test(model) ? "keyterm" : "keywords";
  const fields: Readonly<Record<string, unknown>> = {
    model,
    utterances: true,
    ...(language === undefined ? { detect_language: true } : { language }),
    ...known({ diarize, smart_format: smartFormat }),
    ...(vocabulary.length === 0 ? {} : { [vocabularyField]: vocabulary }),
    ...providerOptions?.["deepgram"],
  };
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, wordOf(one)]),
    ),
  );
}

const wordOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const ms = (seconds: number): number => Math.round(seconds * 1000);

/** Stretches of speech as Deepgram cuts them; where it cuts none, each channel is one. */
function transcriptOf({ metadata, results }: WireAnswer, body: TranscriptionBody): Transcript {
  const [first] = results.channels;
  const stretches = results.utterances ?? results.channels.flatMap(stretchOf);
  return {
    ...known({
      language: first?.detected_language ?? body.language,
      durationMs: metadata?.duration === undefined ? undefined : ms(metadata.duration),
    }),
    segments: stretches.map(({ transcript, start, end, speaker, confidence }) => ({
      text: transcript,
      startMs: ms(start),
      endMs: ms(end),
      ...known({ speaker, confidence }),
    })),
  };
}

function stretchOf({ alternatives }: z.infer<typeof channelSchema>): z.infer<typeof utteranceSchema>[] {
  const [best] = alternatives;
  const [first, last] = [best?.words?.at(0), best?.words?.at(-1)];
  if (best === undefined || first === undefined || last === undefined) return [];
  const { transcript, confidence } = best;
  return [{ transcript, confidence, start: first.start, end: last.end }];
}

const word = z.string().optional().catch(undefined);
/** The older shape and the newer one. */
const errorSchema = z.object({ err_code: word, err_msg: word, category: word, message: word, details: word }).catch({});

/** What an error of Deepgram's means. Pure. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { err_code, err_msg, category, message, details } = errorSchema.parse(answer.body);
  const code = err_code ?? category;
  const words = [err_msg ?? message, details].filter((part) => part !== undefined).join(": ");
  return {
    kind: kinds.get((code ?? "").toUpperCase().replace(/[\s-]+/g, "_")) ?? kindOf(answer.status),
    message: words === "" ? bareMessage(answer) : words,
    ...known({ status: answer.status, code, retryAfterMs: retryAfterMs(answer.headers, nowMs) }),
  };
}

/** Whatever a 429 says of itself, it counts calls under way: Deepgram has no other limit. */
const kindOf = (status: number | undefined): FailureKind => (status === 429 ? "concurrency" : kindOfStatus(status));

const kinds: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries<FailureKind>({
    TOO_MANY_REQUESTS: "concurrency",
    ASR_PAYMENT_REQUIRED: "quotaHard",
    INVALID_AUTH: "auth",
    INSUFFICIENT_PERMISSIONS: "auth",
  }),
);

const errors: ErrorKnowledge = {
  classify,
  unpack: unpackFetch,
  sideOf: (headers) => ({ providerRequestId: headers.get("dg-request-id") }),
};
