/**
 * OpenAI's transcription (POST /audio/transcriptions), also as others speak it. The file is uploaded: OpenAI fetches none.
 *  - Whisper is asked for its segments; the models after it give text alone, and one of them tells speakers apart.
 *  - Expected words go as `prompt`, which steers and does not bind. `smartFormat` is how these models write anyway.
 */
import { z } from "zod";
import type { TranscriptionBody } from "../../request/body.ts";
import type { Failure } from "../../request/failure.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import type { Transcript } from "../../request/result.ts";
import type { Usage } from "../../request/usage.ts";
import { known } from "../../runtime/known.ts";
import { answered } from "../call-outcome.ts";
import type { Failing } from "../failing.ts";
import { receiveJson, type Send } from "../http.ts";
import type { CallInput, CallIo } from "../provider.ts";
import { tokenCount } from "../token-counts.ts";

const seconds = z.number().nonnegative().optional().catch(undefined);
const answerSchema = z.object({
  text: z.string(),
  language: z.string().optional().catch(undefined),
  duration: seconds,
  segments: z
    .array(z.object({ text: z.string(), start: z.number(), end: z.number(), speaker: z.string().optional() }))
    .optional()
    .catch(undefined),
  usage: z
    .object({
      seconds,
      input_tokens: tokenCount,
      output_tokens: tokenCount,
      input_token_details: z.object({ audio_tokens: tokenCount }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});
type WireAnswer = z.infer<typeof answerSchema>;

/** `provider` is the id whose `providerOptions` go along, as further fields of the form. */
export async function openaiTranscription(
  send: Send,
  input: CallInput<TranscriptionBody>,
  io: CallIo,
  fail: Failing,
  provider = "openai",
): Promise<CallOutcome> {
  const form = formOf(input, provider);
  if ("kind" in form) return fail.because(form);
  const request = { path: "/audio/transcriptions", body: form, correlation: input.correlation };
  const received = await receiveJson(() => send(request, io.signal), answerSchema, fail);
  if (!received.ok) return received.outcome;
  const answer = received.value;
  return answered(
    { text: answer.text.trim(), transcript: transcriptOf(answer, input.body) },
    { unified: "stop", raw: "" },
    usageOf(answer),
    fail.sideOf(received.headers),
  );
}

const tellsSpeakers = (model: string): boolean => model.includes("diarize");

function formOf({ model, body }: CallInput<TranscriptionBody>, provider: string): FormData | Failure {
  const { source, language, diarize, vocabulary, providerOptions } = body;
  if (!("data" in source)) {
    return { kind: "client", message: "the provider fetches no sound from an address: hand in its bytes" };
  }
  if (diarize === true && !tellsSpeakers(model)) {
    return { kind: "client", message: `${model} does not tell speakers apart; gpt-4o-transcribe-diarize does` };
  }
  const file = new Blob([Buffer.from(source.data, "base64")], { type: source.mediaType });
  const fields: Readonly<Record<string, unknown>> = {
    model,
    ...formatOf(model),
    // ISO 639-1: a region is not known there.
    ...known({ language: language?.split("-")[0]?.toLowerCase(), prompt: vocabulary?.join(", ") }),
    ...providerOptions?.[provider],
  };
  const form = new FormData();
  form.append("file", file, `sound.${endingOf(source.mediaType)}`);
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      form.append(Array.isArray(value) ? `${name}[]` : name, typeof one === "string" ? one : JSON.stringify(one));
    }
  }
  return form;
}

const formatOf = (model: string): Readonly<Record<string, string>> => {
  if (tellsSpeakers(model)) return { response_format: "diarized_json", chunking_strategy: "auto" };
  return { response_format: model.startsWith("whisper") ? "verbose_json" : "json" };
};

/** The kind of sound is told by the ending of the file's name. */
const endingOf = (mediaType: string): string => {
  const [, subtype = ""] = mediaType.toLowerCase().split("/");
  return endings.get(subtype) ?? subtype.replace(/^x-/, "");
};
const endings: ReadonlyMap<string, string> = new Map(
  Object.entries({
    mpeg: "mp3",
    mp4: "m4a",
    "x-m4a": "m4a",
    wave: "wav",
    "vnd.wave": "wav",
  }),
);

function transcriptOf({ language, duration, segments = [] }: WireAnswer, body: TranscriptionBody): Transcript {
  // By name or by letter; ours are numbers, in the order in which they speak.
  const speakers = [...new Set(segments.flatMap(({ speaker }) => speaker ?? []))];
  return {
    ...known({
      language: language ?? body.language,
      durationMs: duration === undefined ? undefined : Math.round(duration * 1000),
    }),
    segments: segments.map(({ text, start, end, speaker }) => ({
      text: text.trim(),
      startMs: Math.round(start * 1000),
      endMs: Math.round(end * 1000),
      ...known({ speaker: speaker === undefined ? undefined : speakers.indexOf(speaker) }),
    })),
  };
}

/** In tokens or by length, as the model is billed. A transcript that states no usage states its length, where it is billed by it. */
const usageOf = ({ usage, duration, segments }: WireAnswer): Usage =>
  usage === undefined
    ? known({ audioSeconds: segments === undefined ? undefined : duration })
    : known({
        inputTokens: usage.input_tokens,
        outputTokens: usage.output_tokens,
        audioInputTokens: usage.input_token_details?.audio_tokens,
        audioSeconds: usage.seconds,
      });
