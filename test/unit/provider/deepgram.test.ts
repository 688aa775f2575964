import { describe, expect, it } from "vitest";
import { classify, deepgram } from "../../../src/provider/adapters/deepgram.ts";
import type { TranscriptionBody } from "../../../src/request/body.ts";
import { deepgramAnswer, deepgramKey, transcribed } from "../../conformance/deepgram-wire.ts";
import type { Reply } from "../../conformance/sound-server.ts";
import { io, soundServer, transcriptionOf } from "../../support/sound.ts";

async function listen(model: string, body: Partial<TranscriptionBody> = {}, reply?: Reply) {
  const server = await soundServer((arrival) => reply ?? deepgramAnswer(arrival));
  const connection = deepgram.connect({ apiKey: deepgramKey, baseUrl: server.url });
  const outcome = await connection.transcription?.(transcriptionOf(model, body), io());
  return { outcome, sent: server.arrivals.at(-1) };
}

const query = (url: URL | undefined) =>
  [...(url?.searchParams ?? [])].map(([name, value]) => `${name}=${value}`).sort();

describe("what is sent to Deepgram", () => {
  it("is the sound as it is, and a query", async () => {
    const { sent } = await listen("nova-3");
    expect(sent?.body.toString()).toBe("RIFF of a mill");
    expect(sent?.headers.get("content-type")).toBe("audio/wav");
    expect(sent?.url.pathname).toBe("/v1/listen");
    expect(query(sent?.url)).toEqual(["detect_language=true", "model=nova-3", "utterances=true"]);
  });

  it("is an address where the sound is one", async () => {
    const url = "https://sounds.example.com/mill.wav?signature=abc";
    const { sent } = await listen("nova-3", { source: { url } });
    expect(JSON.parse(sent?.body.toString() ?? "")).toEqual({ url });
    expect(sent?.headers.get("content-type")).toBe("application/json");
  });

  it("says everything that was asked for", async () => {
    const { sent } = await listen("nova-3", {
      language: "de",
      diarize: true,
      smartFormat: true,
      vocabulary: ["Mühlrad", "Wehr"],
      providerOptions: {
        deepgram: { redact: ["pci", "ssn"], utt_split: 1.2, profanity_filter: true },
        other: { x: 1 },
      },
    });
    expect(query(sent?.url)).toEqual(
      [
        "model=nova-3",
        "utterances=true",
        "language=de",
        "diarize=true",
        "smart_format=true",
        "keyterm=Mühlrad",
        "keyterm=Wehr",
        "redact=pci",
        "redact=ssn",
        "utt_split=1.2",
        "profanity_filter=true",
      ].sort(),
    );
  });

  it("names expected words as the model knows them", async () => {
    const { sent } = await listen("nova-2", { vocabulary: ["Wehr"] });
    expect(sent?.url.searchParams.getAll("keywords")).toEqual(["Wehr"]);
    expect(sent?.url.searchParams.has("keyterm")).toBe(false);
  });

  it("is nothing where Deepgram cannot fetch the address", async () => {
    const { outcome, sent } = await listen("nova-3", { source: { url: "gs://bucket/mill.wav" } });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "client" } });
    expect(sent).toBeUndefined();
  });
});

describe("an answer of Deepgram's", () => {
  it("is text, and stretches of speech with who spoke when", async () => {
    const { outcome } = await listen("nova-3", { diarize: true });
    expect(outcome).toEqual({
      ok: true,
      text: "The mill turns. It grinds.",
      transcript: {
        language: "en",
        durationMs: 12_500,
        segments: [
          { text: "The mill turns.", startMs: 80, endMs: 1_200, speaker: 0, confidence: 0.9912 },
          { text: "It grinds.", startMs: 2_500, endMs: 3_250, speaker: 1, confidence: 0.95 },
        ],
      },
      finish: { unified: "stop", raw: "" },
      usage: { audioSeconds: 12.5 },
      providerRequestId: "3c7a7a1e-5a0f-4c8e-8c1f-2f3a1b9d7e60",
    });
  });

  it("has one stretch for each channel where none are cut, and bills each channel", async () => {
    const channel = (transcript: string, start: number) => ({
      alternatives: [{ transcript, confidence: 0.9, words: [{ word: "x", start, end: start + 1, confidence: 0.9 }] }],
    });
    const results = { channels: [channel("Left.", 0), channel("Right.", 2)], utterances: undefined };
    const body = JSON.stringify({ metadata: { duration: 10, channels: 2 }, results });
    const { outcome } = await listen("nova-3", { language: "en" }, { pieces: [body] });
    expect(outcome).toMatchObject({
      text: "Left.\nRight.",
      usage: { audioSeconds: 20 },
      transcript: {
        language: "en",
        segments: [
          { text: "Left.", startMs: 0, endMs: 1_000 },
          { text: "Right.", startMs: 2_000, endMs: 3_000 },
        ],
      },
    });
  });

  it("is empty for silence, and no failure", async () => {
    const results = { channels: [{ alternatives: [{ transcript: "", confidence: 0, words: [] }] }], utterances: [] };
    const body = JSON.stringify({ ...transcribed(new URLSearchParams()), results });
    const { outcome } = await listen("nova-3", {}, { pieces: [body] });
    expect(outcome).toMatchObject({ ok: true, text: "", transcript: { segments: [] }, usage: { audioSeconds: 12.5 } });
  });
});

describe("an error of Deepgram's", () => {
  const said = (status: number, body: unknown) => classify({ status, body, headers: new Headers() }, 0);

  it.each([
    ["TOO_MANY_REQUESTS", 429, "concurrency"],
    ["Too Many Requests", 429, "concurrency"],
    ["anything else", 429, "concurrency"],
    ["ASR_PAYMENT_REQUIRED", 402, "quotaHard"],
    ["INVALID_AUTH", 401, "auth"],
    ["INSUFFICIENT_PERMISSIONS", 403, "auth"],
    ["REMOTE_CONTENT_ERROR", 400, "client"],
    ["SLOW_UPLOAD", 408, "timeout"],
    ["Bad Request", 400, "client"],
    ["constructor", 500, "server"],
  ] as const)("%s with %i is %s", (err_code, status, kind) => {
    expect(said(status, { err_code, err_msg: "words" })).toMatchObject({
      kind,
      status,
      code: err_code,
      message: "words",
    });
  });

  it("never shows the address of the sound, which may be signed", async () => {
    const url = "https://sounds.example.com/a-mill-that-nobody-may-hear.wav?signature=planted-7261";
    const err_msg = `Could not fetch ${url}`;
    const reply = { status: 400, pieces: [JSON.stringify({ err_code: "REMOTE_CONTENT_ERROR", err_msg })] };
    const { outcome } = await listen("nova-3", { source: { url } }, reply);
    expect(JSON.stringify(outcome)).not.toContain("planted");
    expect(outcome).toMatchObject({ failure: { kind: "client", message: "Could not fetch [prompt]" } });
  });
});

it("says with a good key that it is there, and with a wrong one that it is not let in", async () => {
  const server = await soundServer(deepgramAnswer);
  const probe = (apiKey: string) => deepgram.connect({ apiKey, baseUrl: `${server.url}/` }).probe(io());
  expect(await probe(deepgramKey)).toMatchObject({ ok: true });
  expect(await probe("wrong-key-1234")).toMatchObject({ ok: false, failure: { kind: "auth" } });
});
