/**
 * OpenAI's text to speech (POST /audio/speech), also as others speak it.
 *  - Models after `tts-1` are asked for events: only those end with a word and state usage. A server that answers with plain
 *    sound all the same is understood.
 *  - Plain sound states no usage. What is billed then is the text, whose characters are counted here.
 *  - `language`: there is none; these models read what is written. Left out.
 */
import { z } from "zod";
import type { SpeechBody } from "../../request/body.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import type { Usage } from "../../request/usage.ts";
import { known } from "../../runtime/known.ts";
import { answered } from "../call-outcome.ts";
import { jsonOrText } from "../error-answer.ts";
import type { Failing } from "../failing.ts";
import { jsonRequest, type Send } from "../http.ts";
import type { CallInput, CallIo } from "../provider.ts";
import { answerOf } from "../sdk-answer.ts";
import { readEvents } from "../server-events.ts";
import { receiveSound, soundTypes } from "../sound.ts";
import { tokenCount } from "../token-counts.ts";

/** `provider` is the id whose `providerOptions` go along, as further fields of the body. */
export async function openaiSpeech(
  send: Send,
  input: CallInput<SpeechBody>,
  io: CallIo,
  fail: Failing,
  provider = "openai",
): Promise<CallOutcome> {
  const mediaType = soundTypes.get(input.body.format ?? "mp3") ?? "application/octet-stream";
  const request = jsonRequest("/audio/speech", wireBody(input, provider), input.correlation);
  const opened = await answerOf(() => send(request, io.signal));
  if (!opened.ok) return fail.thrown(opened.error);
  const response = opened.value;
  const isEvents = /^text\/event-stream/i.test(response.headers.get("content-type") ?? "");
  if (response.ok && isEvents && response.body !== null) {
    return callInEvents(response.body, fail.sideOf(response.headers), mediaType, input.stream, io, fail);
  }
  const received = await receiveSound(async () => response, { stream: input.stream, mediaType }, io, fail);
  if (!received.ok) return received.outcome;
  const usage = { characters: [...input.body.text].length };
  return answered({ text: "", audio: received.sound }, done, usage, fail.sideOf(received.headers));
}

function wireBody({ model, body }: CallInput<SpeechBody>, provider: string): object {
  const { text, voice = "alloy", format, speed, providerOptions } = body;
  return {
    model,
    input: text,
    voice,
    ...known({ response_format: format, speed }),
    ...(model.startsWith("tts-") ? {} : { stream_format: "sse" }),
    ...providerOptions?.[provider],
  };
}

const done = { unified: "stop", raw: "" } as const;

const eventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("speech.audio.delta"), audio: z.base64() }),
  z.object({
    type: z.literal("speech.audio.done"),
    usage: z.object({ input_tokens: tokenCount, output_tokens: tokenCount }).optional().catch(undefined),
  }),
]);

async function callInEvents(
  body: ReadableStream<Uint8Array>,
  side: ReturnType<Failing["sideOf"]>,
  mediaType: string,
  stream: boolean,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const pieces: Buffer[] = [];
  const onBytes = () => {
    if (stream) io.onActivity();
  };
  const heard = await readEvents(body, onBytes, (written) => {
    const json = jsonOrText(written);
    if (errorSchema.safeParse(json).success) {
      return fail.refused({ status: undefined, body: json, headers: new Headers() }, side);
    }
    const event = eventSchema.safeParse(json);
    if (!event.success && isOfAnotherKind(json)) return undefined;
    if (!event.success) return fail.because({ kind: "server", message: "an event cannot be read" }, side);
    if (event.data.type === "speech.audio.done") {
      const { usage } = event.data;
      const counted: Usage = known({ inputTokens: usage?.input_tokens, outputTokens: usage?.output_tokens });
      const data = Buffer.concat(pieces);
      if (data.byteLength === 0) {
        return fail.because({ kind: "server", message: "the answer holds no sound" }, { ...side, usage: counted });
      }
      return answered({ text: "", audio: { data, mediaType } }, done, counted, side);
    }
    pieces.push(Buffer.from(event.data.audio, "base64"));
    if (stream) io.onDelta({ type: "audio", data: event.data.audio });
    return undefined;
  });
  if (!heard.ok) return fail.thrown(heard.error, side);
  return heard.value ?? fail.because({ kind: "stream", message: "the stream ended without speech.audio.done" }, side);
}

const errorSchema = z.object({ error: z.object({}) });

/** Events that later versions may have. */
const isOfAnotherKind = (json: unknown): boolean => {
  const { data } = z.object({ type: z.string() }).safeParse(json);
  return data !== undefined && !data.type.startsWith("speech.audio.");
};
