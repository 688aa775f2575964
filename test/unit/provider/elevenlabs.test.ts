import { describe, expect, it } from "vitest";
import { classify, elevenlabs } from "../../../src/provider/adapters/elevenlabs.ts";
import { adam, elevenlabsAnswer, elevenlabsKey, rachel, soundOf } from "../../conformance/elevenlabs-wire.ts";
import type { Arrival } from "../../conformance/sound-server.ts";
import { io, soundServer, speechOf } from "../../support/sound.ts";

const model = "eleven_multilingual_v2";

async function open() {
  const server = await soundServer(elevenlabsAnswer);
  const connection = elevenlabs.connect({ apiKey: elevenlabsKey, baseUrl: server.url });
  const speak = (body: Parameters<typeof speechOf>[1], name = model) => connection.speech?.(speechOf(name, body), io());
  return { server, connection, speak };
}

const paths = (arrivals: readonly Arrival[]) => arrivals.map(({ url }) => url.pathname);

describe("what is sent to ElevenLabs", () => {
  it("is the text with its model, to the voice, in a format", async () => {
    const { server, speak } = await open();
    await speak({ voice: rachel });
    const [sent] = server.arrivals;
    expect(sent?.url.pathname).toBe(`/v1/text-to-speech/${rachel}`);
    expect(sent?.url.search).toBe("?output_format=mp3_44100_128");
    expect(JSON.parse(sent?.body.toString() ?? "")).toEqual({ text: "The mill turns.", model_id: model });
  });

  it("says everything that was asked for, and the vendor's own fields last", async () => {
    const { server, speak } = await open();
    const providerOptions = { elevenlabs: { seed: 7, apply_text_normalization: "off" }, other: { x: 1 } };
    await speak({ voice: rachel, language: "de", speed: 1.1, format: "pcm_16000", stream: true, providerOptions });
    const [sent] = server.arrivals;
    expect(sent?.url.pathname).toBe(`/v1/text-to-speech/${rachel}/stream`);
    expect(sent?.url.search).toBe("?output_format=pcm_16000");
    expect(JSON.parse(sent?.body.toString() ?? "")).toEqual({
      text: "The mill turns.",
      model_id: model,
      language_code: "de",
      voice_settings: { speed: 1.1 },
      seed: 7,
      apply_text_normalization: "off",
    });
  });

  it.each([
    ["mp3", "mp3_44100_128", "audio/mpeg"],
    ["wav", "wav_44100", "audio/wav"],
    ["pcm", "pcm_24000", "audio/pcm"],
    ["opus", "opus_48000_128", "audio/opus"],
    ["ulaw_8000", "ulaw_8000", "audio/basic"],
  ])("is %s as %s, which comes back as %s", async (format, wire, mediaType) => {
    const { server, speak } = await open();
    expect(await speak({ voice: rachel, format })).toMatchObject({ ok: true, audio: { mediaType } });
    expect(server.arrivals[0]?.url.searchParams.get("output_format")).toBe(wire);
  });

  it("is nothing for a format that it does not have", async () => {
    const { server, speak } = await open();
    for (const format of ["flac", "constructor"]) {
      const outcome = await speak({ voice: rachel, format });
      expect(outcome).toMatchObject({
        ok: false,
        failure: { kind: "client", message: expect.stringContaining(format) },
      });
    }
    expect(server.arrivals).toEqual([]);
  });
});

describe("a voice", () => {
  it("by name is looked up once for each connection", async () => {
    const { server, speak } = await open();
    for (const voice of ["adam", "Rachel", "rachel - CALM"]) expect(await speak({ voice })).toMatchObject({ ok: true });
    expect(paths(server.arrivals)).toEqual([
      "/v1/voices",
      `/v1/text-to-speech/${adam}`,
      `/v1/text-to-speech/${rachel}`,
      `/v1/text-to-speech/${rachel}`,
    ]);
  });

  it("is the account's first one where none is named", async () => {
    const { speak } = await open();
    expect(await speak({})).toMatchObject({ audio: { data: soundOf(adam, "The mill turns.") } });
  });

  it("that nobody has is the request's failure, with the names that there are, and is looked for again", async () => {
    const { server, speak } = await open();
    for (let n = 0; n < 2; n += 1) {
      expect(await speak({ voice: "Merlin" })).toMatchObject({
        ok: false,
        failure: {
          kind: "client",
          code: "voice_not_found",
          message: expect.stringMatching(/Merlin.*Adam, Rachel - calm/),
        },
      });
    }
    expect(paths(server.arrivals)).toEqual(["/v1/voices", "/v1/voices"]);
  });

  it("list that is refused is the failure of the call", async () => {
    const server = await soundServer(elevenlabsAnswer);
    const connection = elevenlabs.connect({ apiKey: "wrong-key-1234", baseUrl: server.url });
    expect(await connection.speech?.(speechOf(model), io())).toMatchObject({ ok: false, failure: { kind: "auth" } });
    expect(paths(server.arrivals)).toEqual(["/v1/voices"]);
  });
});

describe("sound from ElevenLabs", () => {
  it("is bytes with their type, and what was billed for them", async () => {
    const { speak } = await open();
    expect(await speak({ voice: rachel })).toEqual({
      ok: true,
      text: "",
      audio: { data: soundOf(rachel, "The mill turns."), mediaType: "audio/mpeg" },
      finish: { unified: "stop", raw: "" },
      usage: { characters: 15 },
      providerRequestId: "el-7d1b0c",
    });
    expect(await speak({ voice: rachel }, "eleven_flash_v2_5")).toMatchObject({ usage: { characters: 7.5 } });
  });

  it("is handed on before it is all there, and what an abandoned call was billed is kept", async () => {
    const { server, connection } = await open();
    server.order({ kind: "drip" });
    const stop = new AbortController();
    const outcome = await connection.speech?.(speechOf(model, { voice: rachel, stream: true }), {
      signal: stop.signal,
      onDelta: () => stop.abort(new Error("stopped")),
      onActivity: () => {},
    });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "network" }, usage: { characters: 15 } });
  });

  it("that does not say where it ends is not known to be whole", async () => {
    const { server, speak } = await open();
    server.order({ kind: "endless" });
    expect(await speak({ voice: rachel })).toMatchObject({ ok: false, failure: { kind: "stream" } });
  });
});

describe("an error of ElevenLabs'", () => {
  it.each([
    ["quota_exceeded", 401, "quotaHard"],
    ["invalid_api_key", 401, "auth"],
    ["missing_permissions", 401, "auth"],
    ["detected_unusual_activity", 401, "auth"],
    ["too_many_concurrent_requests", 429, "concurrency"],
    ["system_busy", 429, "capacity"],
    ["something else", 429, "concurrency"],
    ["voice_not_found", 404, "client"],
    ["max_character_limit_exceeded", 400, "client"],
    ["constructor", 500, "server"],
  ] as const)("%s with %i is %s", (said, status, kind) => {
    const body = { detail: { status: said, message: "words" } };
    expect(classify({ status, body, headers: new Headers() }, 0)).toMatchObject({ kind, code: said, message: "words" });
  });
});

it("says with a good key that it is there, and with a wrong one that it is not let in", async () => {
  const server = await soundServer(elevenlabsAnswer);
  const probe = (apiKey: string) => elevenlabs.connect({ apiKey, baseUrl: server.url }).probe(io());
  expect(await probe(elevenlabsKey)).toMatchObject({ ok: true });
  expect(await probe("wrong-key-1234")).toMatchObject({ ok: false, failure: { kind: "auth" } });
});
