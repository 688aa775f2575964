/** Sound through a whole fleet: queued, limited by calls under way, costed, stored, served. Providers are servers on their wires. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { audioOf } from "../../../src/ledger/result-audio.ts";
import type { Body } from "../../../src/request/body.ts";
import type { Priority } from "../../../src/request/priority.ts";
import { startAll } from "../../../workers/all.ts";
import { deepgramAnswer, deepgramError, deepgramKey } from "../../conformance/deepgram-wire.ts";
import {
  elevenlabsAnswer,
  elevenlabsError,
  elevenlabsKey,
  rachel,
  soundOf,
} from "../../conformance/elevenlabs-wire.ts";
import type { Arrival, Reply } from "../../conformance/sound-server.ts";
import { type FleetWish, openTestFleet } from "../../support/fleet.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";
import { sound, soundServer } from "../../support/sound.ts";
import { allEnded, callsOf, ended } from "../../support/work.ts";

const services = useServices();

/** Long enough that calls meet on a busy machine. */
const callMs = 250;

/** Refuses what is above its limit, as the vendors do. */
async function limited(most: number, answer: (arrival: Arrival) => Reply, refuse: () => Reply) {
  let underWay = 0;
  let highest = 0;
  let refused = 0;
  const server = await soundServer(async (arrival) => {
    underWay += 1;
    highest = Math.max(highest, underWay);
    if (underWay > most) refused += 1;
    const reply = underWay > most ? refuse() : answer(arrival);
    await new Promise((resolve) => setTimeout(resolve, callMs));
    underWay -= 1;
    return reply;
  });
  return { server, highest: () => highest, refused: () => refused };
}

const deepgramJudge = (most: number) =>
  limited(most, deepgramAnswer, () => deepgramError(429, "TOO_MANY_REQUESTS", "Too many requests."));
const elevenlabsJudge = (most: number) =>
  limited(most, elevenlabsAnswer, () => elevenlabsError(429, "too_many_concurrent_requests", "wait"));

async function openSpeech(
  urls: { readonly deepgram?: string; readonly elevenlabs?: string },
  settings: FleetWish["settings"] = {},
): Promise<Fleet> {
  const environment = {
    DEEPGRAM_API_KEY: deepgramKey,
    DEEPGRAM_BASE_URL: urls.deepgram ?? "http://127.0.0.1:9",
    ELEVENLABS_API_KEY: elevenlabsKey,
    ELEVENLABS_BASE_URL: urls.elevenlabs ?? "http://127.0.0.1:9",
  };
  const fleet = await openTestFleet(services, { environment, settings });
  const workers = await startAll(fleet, { onError: () => {} });
  onTestFinished(() => workers.drain(0));
  return fleet;
}

async function handInBodies(
  fleet: Fleet,
  bodies: readonly Body[],
  priority: Priority = "interactive",
): Promise<string[]> {
  const accepted = await fleet.intake.accept(bodies.map((body) => ({ body, tenant: "t", priority })));
  return accepted.map((entry) => {
    if (!entry.ok) throw new Error(entry.refusal.message);
    return entry.id;
  });
}

const transcription = (more: Partial<Extract<Body, { operation: "transcription" }>> = {}): Body => ({
  operation: "transcription",
  model: "nova-3",
  source: sound,
  language: "en",
  ...more,
});
const speech = (text: string, more: Partial<Extract<Body, { operation: "speech" }>> = {}): Body => ({
  operation: "speech",
  model: "eleven_multilingual_v2",
  text,
  voice: rachel,
  ...more,
});

const chargesOf = async (fleet: Fleet) => [
  ...(await fleet.ledger.sql`
    select cost_nano_usd::text as cost, price_version as version, usage_details as details, outcome, input_tokens as tokens
    from attempts group by 1, 2, 3, 4, 5 order by 1`),
];

describe("transcription through a fleet", () => {
  test("goes in never more calls at once than are allowed, and each is costed by its length and stored", async () => {
    const judge = await deepgramJudge(4);
    const fleet = await openSpeech({ deepgram: judge.server.url }, { providers: { deepgram: { concurrency: 4 } } });
    const ids = await handInBodies(
      fleet,
      Array.from({ length: 24 }, () => transcription()),
    );

    expect(await allEnded(fleet)).toEqual({ succeeded: 24 });

    expect(judge.server.arrivals).toHaveLength(24);
    expect([judge.refused(), judge.highest()]).toEqual([0, expect.any(Number)]);
    expect(judge.highest()).toBeGreaterThan(1);
    expect(await chargesOf(fleet)).toEqual([
      {
        cost: "895833",
        version: "list@2026-05-05",
        details: { audioSeconds: 12.5 },
        outcome: "succeeded",
        tokens: null,
      },
    ]);
    const request = await requestById(fleet.ledger, ids[0] ?? "");
    expect(request).toMatchObject({
      lane: "deepgram.listen",
      result: {
        text: "The mill turns. It grinds.",
        provider: "deepgram",
        model: "nova-3",
        transcript: { durationMs: 12_500, segments: [{ text: "The mill turns.", startMs: 80 }, { startMs: 2_500 }] },
      },
    });
  });

  test("that Deepgram refuses as too many waits, and costs no attempt", async () => {
    const judge = await deepgramJudge(1);
    const fleet = await openSpeech({ deepgram: judge.server.url });
    const ids = await handInBodies(
      fleet,
      Array.from({ length: 4 }, () => transcription()),
    );
    expect(await allEnded(fleet)).toEqual({ succeeded: 4 });
    for (const id of ids) expect(await ended(fleet, id)).toMatchObject({ attempts: 1 });
  });

  test.each([
    ["unknown where the list does not say it", {}, { cost: null, version: null }],
    ["the agreed one", { "deepgram/nova-3": { usdPerMinute: 0.006 } }, { cost: "1250000", version: "millrace.yaml" }],
  ])("has a cost that is %s", async (_what, prices, charge) => {
    const { server } = await deepgramJudge(10);
    const fleet = await openSpeech({ deepgram: server.url }, { prices });
    await handInBodies(fleet, [transcription({ diarize: true })]);
    expect(await allEnded(fleet)).toEqual({ succeeded: 1 });
    expect(await chargesOf(fleet)).toMatchObject([charge]);
  });

  test("of what Deepgram cannot hear fails at once", async () => {
    const server = await soundServer(() => deepgramError(400, "Bad Request", "corrupt or unsupported data"));
    const fleet = await openSpeech({ deepgram: server.url });
    const [id = ""] = await handInBodies(fleet, [transcription()]);
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", attempts: 1, failure: { kind: "client" } });
    expect(server.arrivals).toHaveLength(1);
  });
});

describe("speech through a fleet", () => {
  test("is stored with its type, whole or streamed, and costed by what was billed", async () => {
    const judge = await elevenlabsJudge(2);
    const fleet = await openSpeech({ elevenlabs: judge.server.url });
    const texts = Array.from({ length: 8 }, (_, at) => `The mill turns ${at} times.`);
    const bodies = texts.map((text, at) => speech(text, at % 2 === 0 ? {} : { stream: true }));
    const ids = await handInBodies(fleet, bodies);

    expect(await allEnded(fleet)).toEqual({ succeeded: 8 });

    // The free plan's two at once, where nobody says otherwise.
    expect(judge.refused()).toBe(0);
    for (const [at, id] of ids.entries()) {
      const data = soundOf(rachel, texts[at] ?? "");
      expect(await audioOf(fleet.ledger, id)).toEqual({ data, mediaType: "audio/mpeg" });
      const request = await requestById(fleet.ledger, id);
      expect(request?.result).toMatchObject({ text: "", audio: { mediaType: "audio/mpeg", bytes: data.length } });
      expect(await callsOf(fleet, id)).toHaveLength(1);
    }
    expect(await chargesOf(fleet)).toMatchObject([
      { cost: "2300000", version: "list@2026-06-01", details: { characters: 23 }, tokens: null },
    ]);
  });

  test("is made again after the vendor was busy", async () => {
    let asked = 0;
    const server = await soundServer((arrival) => {
      asked += 1;
      return asked === 1 ? elevenlabsError(429, "system_busy", "busy") : elevenlabsAnswer(arrival);
    });
    const fleet = await openSpeech({ elevenlabs: server.url }, { attempts: { baseMs: 5, capMs: 10 } });
    const [id = ""] = await handInBodies(fleet, [speech("The mill turns.")]);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded" });
    expect(asked).toBe(2);
  });

  test("is not asked for again where the quota is used up", async () => {
    const server = await soundServer(() => elevenlabsError(401, "quota_exceeded", "0 credits remaining"));
    const fleet = await openSpeech({ elevenlabs: server.url });
    const [id = ""] = await handInBodies(fleet, [speech("The mill turns.")]);
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", failure: { kind: "quotaHard" } });
    expect(server.arrivals).toHaveLength(1);
  });
});

describe("GET /v1/requests/:id/audio", () => {
  test("gives the bytes with their type, and says why there are none", async () => {
    const { server } = await elevenlabsJudge(10);
    const { fleet, url, get, work } = await openTestHttp(services, {
      environment: { ELEVENLABS_API_KEY: elevenlabsKey, ELEVENLABS_BASE_URL: server.url },
    });
    const [id = ""] = await handInBodies(fleet, [speech("The mill turns.")]);
    const early = await get(`/v1/requests/${id}/audio`);
    await work();
    await ended(fleet, id);

    const shown = await get(`/v1/requests/${id}`);
    const answer = await fetch(`${url}/v1/requests/${id}/audio`);
    const nowhere = await get("/v1/requests/0199a000-0000-7000-8000-000000000000/audio");
    await fleet.ledger.sql`delete from payloads where kind = 'result'`;
    await fleet.ledger.sql`delete from result_audio`;
    const removed = await get(`/v1/requests/${id}/audio`);

    const bytes = soundOf(rachel, "The mill turns.").length;
    expect(shown.json.result).toMatchObject({ text: "", audio: { media_type: "audio/mpeg", bytes } });
    expect(early).toMatchObject({ status: 404, json: { error: { code: "no_audio" } } });
    expect(early.json.error.message).toMatch(/yet/);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "audio/mpeg"]);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(soundOf(rachel, "The mill turns."));
    expect(nowhere).toMatchObject({ status: 404, json: { error: { code: "request_not_found" } } });
    expect(removed).toMatchObject({ status: 404, json: { error: { code: "no_audio" } } });
    expect(removed.json.error.message).toMatch(/removed/);
  });
});
