/**
 * ElevenLabs' text to speech over plain HTTP: its SDK tries again by itself.
 *  - A voice is meant by its id; one by name, or none, takes a second HTTP request for the account's voices, once for each
 *    connection and once more when a name is new.
 *  - `mp3`, `wav`, `pcm` and `opus` are its usual qualities of them; its own words, such as `mp3_22050_32`, go as given.
 *  - A stream is the same sound in pieces. Nothing in it says that it is over: see sound.ts.
 *  - `character-cost` is what it bills: characters, or halves of them with the faster models.
 *  - `providerOptions.elevenlabs` are fields of the body.
 */
import { z } from "zod";
import type { SpeechBody } from "../../request/body.ts";
import type { Failure, FailureKind } from "../../request/failure.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import { known } from "../../runtime/known.ts";
import { answered } from "../call-outcome.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../error-answer.ts";
import { type ErrorKnowledge, type Failing, failing } from "../failing.ts";
import { jsonRequest, openHttp, type Send, unpackFetch } from "../http.ts";
import { probeOutcome } from "../probe.ts";
import type { CallInput, CallIo, Provider } from "../provider.ts";
import { retryAfterMs } from "../retry-after.ts";
import { receiveSound } from "../sound.ts";
import { openVoices, type Voices } from "./elevenlabs-voices.ts";

export const elevenlabs: Provider = {
  id: "elevenlabs",
  environment: { apiKey: ["ELEVENLABS_API_KEY"], baseUrl: ["ELEVENLABS_BASE_URL"] },
  operations: ["speech"],
  connect({ apiKey, baseUrl }) {
    const send = openHttp(baseUrl ?? "https://api.elevenlabs.io", { "xi-api-key": apiKey });
    const voices = openVoices(send);
    return {
      speech: (input, io) => speak(send, voices, input, io, failing(errors, io.signal, apiKey, input.body)),
      probe(io) {
        const list = () => send({ method: "GET", path: "/v1/voices" }, io.signal);
        return probeOutcome(list, "voices", failing(errors, io.signal, apiKey));
      },
    };
  },
};

async function speak(
  send: Send,
  voices: Voices,
  input: CallInput<SpeechBody>,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const format = formatOf(input.body.format);
  if (format === undefined) return fail.because(noSuchFormat(input.body.format));
  const voice = await voices.find(input.body.voice, io, fail);
  if (!voice.ok) return voice.outcome;
  const stream = input.stream ? "/stream" : "";
  const path = `/v1/text-to-speech/${encodeURIComponent(voice.id)}${stream}?output_format=${encodeURIComponent(format)}`;
  const request = jsonRequest(path, wireBody(input), input.correlation);
  const wish = {
    stream: input.stream,
    mediaType: mediaTypes.get(format.split("_")[0] ?? "") ?? "application/octet-stream",
  };
  const received = await receiveSound(() => send(request, io.signal), wish, io, fail);
  if (!received.ok) return received.outcome;
  const side = fail.sideOf(received.headers);
  return answered({ text: "", audio: received.sound }, { unified: "stop", raw: "" }, side.usage ?? {}, side);
}

function wireBody({ model, body }: CallInput<SpeechBody>): object {
  const { text, language, speed, providerOptions } = body;
  return {
    text,
    model_id: model,
    ...known({ language_code: language, voice_settings: speed === undefined ? undefined : { speed } }),
    ...providerOptions?.["elevenlabs"],
  };
}

const usualFormats: Readonly<Record<string, string>> = {
  mp3: "mp3_44100_128",
  wav: "wav_44100",
  pcm: "pcm_24000",
  opus: "opus_48000_128",
};

const formatOf = (asked = "mp3"): string | undefined =>
  Object.hasOwn(usualFormats, asked) ? usualFormats[asked] : asked.includes("_") ? asked : undefined;

const noSuchFormat = (asked: string | undefined): Failure => ({
  kind: "client",
  message: `ElevenLabs has no sound as ${asked}: possible are ${Object.keys(usualFormats).join(", ")} and its own words`,
});

const mediaTypes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    mp3: "audio/mpeg",
    wav: "audio/wav",
    pcm: "audio/pcm",
    opus: "audio/opus",
    ulaw: "audio/basic",
    alaw: "audio/x-alaw-basic",
  }),
);

const word = z.string().optional().catch(undefined);
const detailSchema = z.union([
  z.object({ status: word, code: word, type: word, message: word }),
  z.string().transform((message) => ({ message })),
  // What its own check of the body found, field by field.
  z.array(z.object({ msg: z.string() })).transform((found) => ({ message: found.map(({ msg }) => msg).join("; ") })),
]);
const errorSchema = z
  .object({ detail: detailSchema })
  .transform(
    ({ detail }): { status?: string | undefined; code?: string | undefined; message?: string | undefined } => detail,
  )
  .catch({});

/** What an error of ElevenLabs' means. Pure. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { status, code, message } = errorSchema.parse(answer.body);
  const said = [status, code].find((one) => one !== undefined && kinds.has(one)) ?? status ?? code;
  return {
    kind: kinds.get(said ?? "") ?? kindOf(answer.status),
    message: message ?? bareMessage(answer),
    ...known({ status: answer.status, code: said, retryAfterMs: retryAfterMs(answer.headers, nowMs) }),
  };
}

/** It limits calls under way and nothing else. */
const kindOf = (status: number | undefined): FailureKind => (status === 429 ? "concurrency" : kindOfStatus(status));

const kinds: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries<FailureKind>({
    quota_exceeded: "quotaHard", // with 401
    too_many_concurrent_requests: "concurrency",
    concurrent_limit_exceeded: "concurrency",
    system_busy: "capacity",
    rate_limit_exceeded: "rate",
    voice_not_found: "client",
    model_not_found: "client",
    max_character_limit_exceeded: "client",
    invalid_api_key: "auth",
    missing_permissions: "auth",
  }),
);

const cost = z.coerce.number().nonnegative();

const errors: ErrorKnowledge = {
  classify,
  unpack: unpackFetch,
  sideOf(headers) {
    const billed = cost.safeParse(headers.get("character-cost") ?? undefined);
    return {
      providerRequestId: headers.get("request-id"),
      usage: billed.success ? { characters: billed.data } : undefined,
    };
  },
};
