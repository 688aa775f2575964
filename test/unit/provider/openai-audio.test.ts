import { describe, expect, it } from "vitest";
import { openaiSpeech, openaiTranscription } from "../../../src/provider/adapters/openai-audio.ts";
import { type ErrorKnowledge, failing } from "../../../src/provider/failing.ts";
import { openHttp, unpackFetch } from "../../../src/provider/http.ts";
import type { SpeechBody, TranscriptionBody } from "../../../src/request/body.ts";
import { openaiAudioAnswer, openaiKey } from "../../conformance/openai-audio-wire.ts";
import { io, soundServer, speechOf, transcriptionOf } from "../../support/sound.ts";

const errors: ErrorKnowledge = {
  classify: ({ status }) => ({ kind: "server", message: `HTTP ${status}` }),
  unpack: unpackFetch,
  sideOf: () => ({}),
};

async function open() {
  const server = await soundServer(openaiAudioAnswer);
  const send = openHttp(`${server.url}/v1`, { authorization: `Bearer ${openaiKey}` });
  const fail = failing(errors, new AbortController().signal, openaiKey);
  return {
    sent: () => server.arrivals.at(-1),
    transcribe: (model: string, body: Partial<TranscriptionBody> = {}) =>
      openaiTranscription(send, transcriptionOf(model, body), io(), fail),
    speak: (model: string, body: Partial<SpeechBody> = {}) => openaiSpeech(send, speechOf(model, body), io(), fail),
  };
}

/** Fields of a form, without its file. */
const fieldsOf = (form: Buffer | undefined) =>
  [...(form?.toString().matchAll(/name="([^"]+)"\r\n\r\n([^\r]*)\r\n/g) ?? [])].map(
    ([, name, value]) => `${name}=${value}`,
  );

describe("a transcription by OpenAI", () => {
  it("uploads the sound under a name that says what it is", async () => {
    const { sent, transcribe } = await open();
    await transcribe("whisper-1");
    expect(sent()?.body.toString()).toContain('name="file"; filename="sound.wav"');
    expect(sent()?.body.toString()).toContain("RIFF of a mill");
    await transcribe("whisper-1", { source: { data: "QQ==", mediaType: "audio/mpeg" } });
    expect(sent()?.body.toString()).toContain('filename="sound.mp3"');
  });

  it("says everything that was asked for", async () => {
    const { sent, transcribe } = await open();
    await transcribe("whisper-1", {
      language: "de-AT",
      vocabulary: ["Mühlrad", "Wehr"],
      smartFormat: true,
      providerOptions: { openai: { temperature: 0.2, timestamp_granularities: ["word", "segment"] } },
    });
    expect(fieldsOf(sent()?.body)).toEqual([
      "model=whisper-1",
      "response_format=verbose_json",
      "language=de",
      "prompt=Mühlrad, Wehr",
      "temperature=0.2",
      "timestamp_granularities[]=word",
      "timestamp_granularities[]=segment",
    ]);
  });

  it("is billed by length with Whisper, and in tokens with the models after it", async () => {
    const { transcribe } = await open();
    expect(await transcribe("whisper-1")).toMatchObject({ usage: { audioSeconds: 13 } });
    expect(await transcribe("gpt-4o-transcribe")).toMatchObject({
      text: "The mill turns. It grinds.",
      transcript: { segments: [] },
      usage: { inputTokens: 130, outputTokens: 9, audioInputTokens: 125 },
    });
  });

  it("tells speakers apart with the model that can, and with no other", async () => {
    const { sent, transcribe } = await open();
    expect(await transcribe("gpt-4o-transcribe-diarize", { diarize: true })).toMatchObject({
      transcript: { durationMs: 12_500, segments: [{ speaker: 0 }, { speaker: 1 }] },
    });
    expect(fieldsOf(sent()?.body)).toContain("chunking_strategy=auto");
    expect(await transcribe("whisper-1", { diarize: true })).toMatchObject({ ok: false, failure: { kind: "client" } });
  });

  it("is not asked for of an address", async () => {
    const { sent, transcribe } = await open();
    const outcome = await transcribe("whisper-1", { source: { url: "https://sounds.example.com/mill.wav" } });
    expect(outcome).toMatchObject({
      ok: false,
      failure: { kind: "client", message: expect.stringContaining("bytes") },
    });
    expect(sent()).toBeUndefined();
  });
});

describe("speech by OpenAI", () => {
  it("says everything that was asked for, and the vendor's own fields last", async () => {
    const { sent, speak } = await open();
    const providerOptions = { openai: { instructions: "Like a miller." } };
    await speak("gpt-4o-mini-tts", { voice: "sage", format: "wav", speed: 1.5, language: "de", providerOptions });
    expect(JSON.parse(sent()?.body.toString() ?? "")).toEqual({
      model: "gpt-4o-mini-tts",
      input: "The mill turns.",
      voice: "sage",
      response_format: "wav",
      speed: 1.5,
      stream_format: "sse",
      instructions: "Like a miller.",
    });
  });

  it("comes in events with usage, where the model knows them", async () => {
    const { speak } = await open();
    expect(await speak("gpt-4o-mini-tts")).toMatchObject({
      audio: { data: Buffer.from("ID3 the mill"), mediaType: "audio/mpeg" },
      usage: { inputTokens: 12, outputTokens: 70 },
    });
  });

  it("comes as plain sound from the first models, billed by the characters that were sent", async () => {
    const { sent, speak } = await open();
    expect(await speak("tts-1", { text: "Mühle 🌊" })).toMatchObject({
      audio: { data: Buffer.from("ID3 the mill") },
      usage: { characters: 7 },
    });
    expect(JSON.parse(sent()?.body.toString() ?? "")).toEqual({ model: "tts-1", input: "Mühle 🌊", voice: "alloy" });
  });
});
