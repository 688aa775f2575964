/** Adapters of sound before servers that speak their wires. Faults of chat alone (tools, refusals, choices) have no place here. */

import { expect } from "vitest";
import { deepgram } from "../../src/provider/adapters/deepgram.ts";
import { elevenlabs } from "../../src/provider/adapters/elevenlabs.ts";
import { classify } from "../../src/provider/adapters/openai/failure.ts";
import { openaiSpeech, openaiTranscription } from "../../src/provider/adapters/openai-audio.ts";
import { type ErrorKnowledge, failing } from "../../src/provider/failing.ts";
import { openHttp, unpackFetch } from "../../src/provider/http.ts";
import type { CallInput, Connection } from "../../src/provider/provider.ts";
import type { SpeechBody, TranscriptionBody } from "../../src/request/body.ts";
import { deepgramAnswer, deepgramError, deepgramKey, transcribed } from "./deepgram-wire.ts";
import { elevenlabsAnswer, elevenlabsError, elevenlabsKey, rachel, soundOf } from "./elevenlabs-wire.ts";
import { openaiAudioAnswer, openaiError, openaiKey, soundDelta, soundDone } from "./openai-audio-wire.ts";
import { describeSound, type Subject } from "./sound-cases.ts";
import type { Reply } from "./sound-server.ts";

const sound = { data: Buffer.from("RIFF of a mill").toString("base64"), mediaType: "audio/wav" };
const text = "The mill turns.";
const json = (body: unknown, status = 200): Reply => ({
  status,
  pieces: [typeof body === "string" ? body : JSON.stringify(body)],
});

const transcription = (model: string): Omit<CallInput<TranscriptionBody>, "correlation"> => ({
  model,
  body: { operation: "transcription", model, source: sound },
  stream: false,
  defaultMaxOutputTokens: 1,
});
const speech = (model: string, stream: boolean, voice?: string): Omit<CallInput<SpeechBody>, "correlation"> => ({
  model,
  body: { operation: "speech", model, text, ...(voice === undefined ? {} : { voice }), ...(stream ? { stream } : {}) },
  stream,
  defaultMaxOutputTokens: 1,
});

const whole = transcribed(new URLSearchParams("utterances=true"));
const transcribes: Subject["expectGood"] = ({ text: said, transcript }) => {
  expect(said).toBe("The mill turns. It grinds.");
  expect(transcript?.durationMs).toBe(12_500);
  expect(transcript?.segments).toMatchObject([
    { text: "The mill turns.", endMs: 1_200 },
    { text: "It grinds.", startMs: 2_500, endMs: 3_250 },
  ]);
};

describeSound({
  name: "deepgram, transcription",
  apiKey: deepgramKey,
  answer: deepgramAnswer,
  connect: (baseUrl, apiKey) => deepgram.connect({ apiKey, baseUrl }),
  call: (connection, more, io) => connection.transcription?.({ ...transcription("nova-3"), ...more }, io),
  streamed: false,
  basePath: "",
  usage: { audioSeconds: 12.5 },
  expectGood: transcribes,
  error: (status, words) => deepgramError(status, "SOME_CODE", words),
  cutKind: "network",
  bad: {
    "JSON that breaks off": { reply: json('{"metadata":{"request_id":'), kind: "server" },
    "JSON of another shape": { reply: json({ hello: "mill" }), kind: "server" },
    "an empty list of channels": { reply: json({ metadata: {}, results: { channels: [] } }), kind: "server" },
    "an empty list of alternatives": {
      reply: json({ metadata: {}, results: { channels: [{ alternatives: [] }] } }),
      kind: "server",
    },
    "a success with too many requests inside": {
      reply: json({ err_code: "TOO_MANY_REQUESTS", err_msg: "Too many requests." }),
      kind: "concurrency",
    },
    "too many requests, spelt as its other service does": {
      reply: json({ err_code: "Too Many Requests", err_msg: "Please try again later" }, 429),
      kind: "concurrency",
    },
    "an account without credit": {
      reply: json({ err_code: "ASR_PAYMENT_REQUIRED", err_msg: "Project does not have enough credits" }, 402),
      kind: "quotaHard",
    },
    "an error of the newer shape": {
      reply: json({ category: "INVALID_JSON", message: "Invalid JSON submitted.", details: "line 1" }, 400),
      kind: "client",
    },
    "an error of plain text": { reply: json("upstream connect error", 503), kind: "capacity" },
    "a promise to call back": { reply: json({ request_id: "3c7a7a1e" }), kind: "server" },
  },
  odd: {
    "an answer without metadata": { reply: json({ ...whole, metadata: undefined }), usage: {} },
    "metadata of nonsense": { reply: json({ ...whole, metadata: { duration: "long" } }), usage: {} },
  },
});

for (const streamed of [false, true]) {
  describeSound({
    name: `elevenlabs, speech${streamed ? " as a stream" : ""}`,
    apiKey: elevenlabsKey,
    answer: elevenlabsAnswer,
    connect: (baseUrl, apiKey) => elevenlabs.connect({ apiKey, baseUrl }),
    call: (connection, more, io) =>
      connection.speech?.({ ...speech("eleven_multilingual_v2", streamed, rachel), ...more }, io),
    streamed,
    basePath: "",
    usage: { characters: text.length },
    expectGood: ({ audio, text: said }) => {
      expect(said).toBe("");
      expect(audio).toEqual({ mediaType: "audio/mpeg", data: soundOf(rachel, text) });
    },
    error: (status, words) => elevenlabsError(status, "some_status", words),
    cutKind: "network",
    bad: {
      "a success with an error inside": {
        reply: json({ detail: { status: "system_busy", message: "busy" } }),
        kind: "capacity",
      },
      "JSON that breaks off": { reply: json('{"detail":'), kind: "server" },
      "a used-up quota": { reply: elevenlabsError(401, "quota_exceeded", "0 credits remaining"), kind: "quotaHard" },
      "too many calls of ours": {
        reply: elevenlabsError(429, "too_many_concurrent_requests", "wait"),
        kind: "concurrency",
      },
      "too many calls of everybody's": { reply: elevenlabsError(429, "system_busy", "busy"), kind: "capacity" },
      "a voice that does not exist": { reply: elevenlabsError(404, "voice_not_found", "no voice"), kind: "client" },
      "a field of its own check": {
        reply: json({ detail: [{ loc: ["body", "text"], msg: "Field required", type: "missing" }] }, 422),
        kind: "client",
      },
      "a detail of plain text": { reply: json({ detail: "Not Found" }, 404), kind: "client" },
      "the newer shape of errors": {
        reply: json({ detail: { type: "rate_limit_error", code: "concurrent_limit_exceeded", message: "wait" } }, 429),
        kind: "concurrency",
      },
    },
    odd: {
      "sound without its cost": {
        reply: { headers: { "content-type": "audio/mpeg" }, pieces: ["ID3 ", "sound"] },
        usage: {},
      },
      "a cost of nonsense": {
        reply: { headers: { "content-type": "audio/mpeg", "character-cost": "many" }, pieces: ["ID3 ", "sound"] },
        usage: {},
      },
    },
  });
}

const openaiErrors: ErrorKnowledge = {
  classify,
  unpack: unpackFetch,
  sideOf: (headers) => ({ providerRequestId: headers.get("x-request-id") }),
};
/** The two functions in a connection of their own: the adapter has them beside chat. */
function openaiAudio(baseUrl: string, apiKey: string): Connection {
  const send = openHttp(baseUrl, { authorization: `Bearer ${apiKey}` });
  return {
    transcription: (input, io) =>
      openaiTranscription(send, input, io, failing(openaiErrors, io.signal, apiKey, input.body)),
    speech: (input, io) => openaiSpeech(send, input, io, failing(openaiErrors, io.signal, apiKey, input.body)),
    probe: async () => ({ ok: false, failure: { kind: "client", message: "not here" } }),
  };
}
const openaiShared = {
  apiKey: openaiKey,
  answer: openaiAudioAnswer,
  connect: openaiAudio,
  basePath: "/v1",
  error: (status: number, words: string) => openaiError(status, "some_code", words),
};

describeSound({
  ...openaiShared,
  name: "openai, transcription",
  call: (connection, more, io) => connection.transcription?.({ ...transcription("whisper-1"), ...more }, io),
  streamed: false,
  usage: { audioSeconds: 13 },
  expectGood: transcribes,
  cutKind: "network",
  bad: {
    "JSON that breaks off": { reply: json('{"text":"The'), kind: "server" },
    "JSON of another shape": { reply: json({ words: [] }), kind: "server" },
    "a success with an error inside": {
      reply: json({ error: { message: "The server had an error", type: "server_error", code: null } }),
      kind: "server",
    },
    "a used-up quota": { reply: openaiError(429, "insufficient_quota", "You exceeded your quota"), kind: "quotaHard" },
    "a rate limit": { reply: openaiError(429, "rate_limit_exceeded", "Rate limit reached"), kind: "rate" },
  },
  odd: {
    "an answer without usage": { reply: json({ text: "The mill turns." }), usage: {} },
    "usage of nonsense": { reply: json({ text: "x", usage: { input_tokens: "many", seconds: -1 } }), usage: {} },
  },
});

for (const streamed of [false, true]) {
  const events = (...pieces: string[]): Reply => ({ headers: { "content-type": "text/event-stream" }, pieces });
  describeSound({
    ...openaiShared,
    name: `openai, speech in events${streamed ? " as a stream" : ""}`,
    call: (connection, more, io) => connection.speech?.({ ...speech("gpt-4o-mini-tts", streamed), ...more }, io),
    streamed,
    usage: { inputTokens: 12, outputTokens: 70 },
    expectGood: ({ audio }) => expect(audio).toEqual({ mediaType: "audio/mpeg", data: Buffer.from("ID3 the mill") }),
    cutKind: "network",
    bad: {
      "a stream without its last event": { reply: events(soundDelta("ID3")), kind: "stream" },
      "a stream that is cut within an event": {
        reply: events(soundDelta("ID3"), 'data: {"type":"spee'),
        kind: "stream",
      },
      "an event that is not JSON": { reply: events(soundDelta("ID3"), "data: {oops\n\n", soundDone), kind: "server" },
      "sound that is not base64": {
        reply: events('data: {"type":"speech.audio.delta","audio":"%%%"}\n\n', soundDone),
        kind: "server",
      },
      "an error in the stream": {
        reply: events(soundDelta("ID3"), 'data: {"error":{"message":"overloaded","code":"server_is_overloaded"}}\n\n'),
        kind: "capacity",
      },
      "a stream of no sound": { reply: events(soundDone), kind: "server" },
    },
    odd: {
      "an event after the end": {
        reply: events(soundDelta("ID3"), soundDone, soundDelta(" more"), "data: {oops\n\n"),
        usage: { inputTokens: 12, outputTokens: 70 },
      },
      "comments and events of another kind": {
        reply: events(": ping\n\n", soundDelta("ID3"), 'data: {"type":"later.kind"}\r\n\r\n', soundDone),
        usage: { inputTokens: 12, outputTokens: 70 },
      },
      "an end without usage": {
        reply: events(soundDelta("ID3"), 'data: {"type":"speech.audio.done"}\n\n'),
        usage: {},
      },
      "plain sound where events were asked for": {
        reply: { headers: { "content-type": "audio/mpeg" }, pieces: ["ID3 ", "sound"] },
        usage: { characters: text.length },
      },
    },
  });
}
