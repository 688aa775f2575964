/** OpenAI's own client, unchanged, against `/v1/audio/transcriptions` and `/v1/audio/speech`. */
import { BadRequestError, toFile } from "openai";
import { describe, expect, it } from "vitest";
import { openaiAudioAnswer, openaiError, openaiKey } from "../../conformance/openai-audio-wire.ts";
import { type SoundServer, startSoundServer } from "../../conformance/sound-server.ts";
import { useHttp } from "../../support/http.ts";
import { apiError, openaiOf, wireEvents } from "../../support/openai.ts";
import { againstOpenai } from "../../support/openai-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
let provider: SoundServer;
const http = useHttp(services, async (onEnd) => {
  provider = await startSoundServer(openaiAudioAnswer);
  onEnd(() => provider.stop());
  return {
    workers: true,
    environment: { OPENAI_API_KEY: openaiKey, OPENAI_BASE_URL: `${provider.url}/v1` },
    settings: { attempts: { baseMs: 1, capMs: 5, perDeployment: 1 } },
  };
});
const wav = () => toFile(Buffer.from("RIFF of a mill"), "mill.mp3");
const transcribe = async (more: object) =>
  openaiOf(http()).audio.transcriptions.create({ file: await wav(), model: "whisper-1", ...more });
const speech = { model: "gpt-4o-mini-tts", voice: "alloy", input: "The mill turns." };

describe("/v1/audio/transcriptions", () => {
  it("hands the sound on by what its name says it is, and brings back the text and what it took", async () => {
    const answer = await transcribe({ language: "en", prompt: "millrace, weir" });

    expect(againstOpenai("CreateTranscriptionResponseJson", answer)).toEqual([]);
    expect(answer).toEqual({ text: "The mill turns. It grinds.", usage: { type: "duration", seconds: 13 } });
    const form = provider.arrivals.at(-1)?.body.toString() ?? "";
    expect(form).toContain('filename="sound.mp3"');
    expect(form).toContain("RIFF of a mill");
    expect(form).toMatch(/name="prompt"\r\n\r\nmillrace, weir/);
    expect(form).toMatch(/name="language"\r\n\r\nen/);
  });

  it("brings back what is known of times and speakers", async () => {
    const verbose = await transcribe({ response_format: "verbose_json", timestamp_granularities: ["segment"] });
    const spoken = await transcribe({ model: "openai/gpt-4o-transcribe-diarize", response_format: "diarized_json" });

    expect(verbose).toMatchObject({
      language: "english",
      duration: 12.5,
      segments: [
        { id: 0, start: 0, end: 1.2, text: "The mill turns." },
        { id: 1, start: 2.5, end: 3.25, text: "It grinds." },
      ],
    });
    expect(againstOpenai("CreateTranscriptionResponseDiarizedJson", spoken)).toEqual([]);
    expect(spoken).toMatchObject({ segments: [{ speaker: "A" }, { speaker: "B" }] });
  });

  it("brings back text, subtitles and captions as they are", async () => {
    expect(await transcribe({ response_format: "text" })).toBe("The mill turns. It grinds.\n");
    expect(await transcribe({ response_format: "srt" })).toBe(
      "1\n00:00:00,000 --> 00:00:01,200\nThe mill turns.\n\n2\n00:00:02,500 --> 00:00:03,250\nIt grinds.\n\n",
    );
    expect(await transcribe({ response_format: "vtt" })).toMatch(
      /^WEBVTT\n\n00:00:00\.000 --> 00:00:01\.200\nThe mill turns\.\n/,
    );
    const timeless = await apiError(transcribe({ model: "gpt-4o-transcribe", response_format: "srt" }));
    expect(timeless).toMatchObject({ status: 400, code: "no_times", param: "response_format" });
  });

  it.each([
    [{ response_format: "docx" }, "response_format"],
    [{ timestamp_granularities: ["word"] }, "timestamp_granularities"],
    [{ temperature: 0.5 }, "temperature"],
    [{ stream: true }, "stream"],
    [{ temprature: 0 }, "temprature"],
  ])("%j is refused by name", async (more, param) => {
    expect(await apiError(transcribe(more))).toMatchObject({ constructor: BadRequestError, param });
  });

  it("takes one file of 25 MB and no longer one", async () => {
    const upload = (bytes: number) => {
      const form = new FormData();
      form.append("model", "whisper-1");
      form.append("file", new Blob([Buffer.alloc(bytes)]), "mill.wav");
      return fetch(`${http().url}/v1/audio/transcriptions`, { method: "POST", body: form });
    };

    expect((await upload(25_000_000)).status).toBe(200);
    const refused = await upload(25_000_001);
    expect([refused.status, await refused.json()]).toMatchObject([413, { error: { code: "too_long" } }]);
    expect((await upload(0)).status).toBe(400);
  });

  it("takes forms, whole ones, and not from pages of other sites; no other route takes any", async () => {
    const path = "/v1/audio/transcriptions";
    const form = (headers: Record<string, string> = {}) => {
      const body = new FormData();
      body.append("file", new Blob(["RIFF"]), "mill.wav");
      body.append("model", "whisper-1");
      return { method: "POST", body, headers };
    };
    const cut = { "content-type": "multipart/form-data; boundary=x" };

    expect((await fetch(`${http().url}${path}`, form({ "sec-fetch-site": "cross-site" }))).status).toBe(403);
    expect((await fetch(`${http().url}/v1/chat/completions`, form())).status).toBe(415);
    expect((await http().send("POST", path, { model: "whisper-1" })).status).toBe(415);
    expect(
      (await http().send("POST", path, '--x\r\nContent-Disposition: form-data; name="file"', cut)).json.error.code,
    ).toBe("invalid_form");
  });
});

describe("a field that calls itself JSON", () => {
  it("is read, and refused for what it says", async () => {
    const boundary = "b";
    const part = (head: string, body: string) =>
      `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
    const refused = await fetch(`${http().url}/v1/audio/transcriptions`, {
      method: "POST",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body: `${part('name="file"; filename="mill.mp3"', "RIFF")}${part('name="model"\r\ncontent-type: application/json', '{"toString":0}')}--${boundary}--\r\n`,
    });
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ error: { code: "model_not_found" } });
  });
});

describe("/v1/audio/speech", () => {
  it("sends the bytes of the sound under their own type", async () => {
    const answer = await openaiOf(http()).audio.speech.create({ ...speech, speed: 1.5 });

    expect(answer.headers.get("content-type")).toBe("audio/mpeg");
    expect(answer.headers.get("x-request-id")).toMatch(/-7/);
    expect(Buffer.from(await answer.arrayBuffer()).toString()).toBe("ID3 the mill");
    const asked = JSON.parse(provider.arrivals.at(-1)?.body.toString() ?? "{}");
    expect(asked).toMatchObject({ input: speech.input, voice: "alloy", response_format: "mp3", speed: 1.5 });
  });

  it("tells them in events where that is asked for", async () => {
    const { text, headers } = await http().send("POST", "/v1/audio/speech", { ...speech, stream_format: "sse" });
    const events = wireEvents(text).map(({ data }) => data);

    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    for (const event of events) expect(againstOpenai("CreateSpeechResponseStreamEvent", event)).toEqual([]);
    expect(events.at(-1)).toEqual({
      type: "speech.audio.done",
      usage: { input_tokens: 12, output_tokens: 70, total_tokens: 82 },
    });
  });

  it("sends the same sound again for the same key, also when its pieces are no longer kept", async () => {
    const key = { "idempotency-key": "sound" };
    const first = await http().send("POST", "/v1/audio/speech", speech, key);
    const calls = provider.arrivals.length;
    await (await services.redis()).del(`millrace:stream:{${first.headers.get("x-request-id")}}`);

    const again = await http().send("POST", "/v1/audio/speech", speech, key);

    expect([again.text, provider.arrivals.length]).toEqual(["ID3 the mill", calls]);
    expect(again.headers.get("content-type")).toBe("audio/mpeg");
  });

  it("ends with the connection when the sound breaks off, and with an error when there is none", async () => {
    provider.order({ kind: "reset", afterPieces: 1 });
    const cut = await openaiOf(http()).audio.speech.create({ ...speech, input: "Break off." });
    await expect(cut.arrayBuffer()).rejects.toThrow();

    provider.order({ kind: "reply", reply: openaiError(400, "bad_voice", "No such voice.") });
    const failed = await apiError(openaiOf(http()).audio.speech.create({ ...speech, input: "No voice." }));
    expect(failed).toMatchObject({ status: 400, code: "client" });
  });

  it.each([
    [{ instructions: "Like a miller." }, "instructions"],
    [{ voice: 1 }, "voice"],
    [{ input: "" }, "input"],
  ])("%j is refused by name", async (more, param) => {
    const { status, json } = await http().send("POST", "/v1/audio/speech", { ...speech, ...more });

    expect([status, json.error.param]).toEqual([400, param]);
  });
});
