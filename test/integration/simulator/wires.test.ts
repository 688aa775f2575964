import Anthropic from "@anthropic-ai/sdk";
import fc from "fast-check";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Vendor, vendors } from "../../../src/simulator/vendor.ts";
import { call, errorOf, goodKey, models } from "./clients.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ outputTokens: { p50: 40, p99: 40 }, bodyLimitBytes: 50_000 });
});
afterAll(() => simulator.close());

const finishes = {
  anthropic: { end: "end_turn", length: "max_tokens", stop: "stop_sequence" },
  openai: { end: "stop", length: "length", stop: "stop" },
  gemini: { end: "STOP", length: "MAX_TOKENS", stop: "STOP" },
} as const;
const ways = vendors.flatMap((vendor) => [
  { vendor, stream: false, way: "whole" },
  { vendor, stream: true, way: "streamed" },
]);

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${simulator.url}${path}`, { method: "POST", body, headers });

describe.each(ways)("$vendor's SDK, $way", ({ vendor, stream }) => {
  test("gets a text with usage and the end of the turn", async () => {
    const seen = await call(simulator, vendor, { stream, prompt: "Twelve chars" });
    expect(seen).toMatchObject({
      isWhole: true,
      finish: finishes[vendor].end,
      inputTokens: 3,
      outputTokens: 40,
    });
    expect(seen.text).toHaveLength(160);
    expect(seen.error).toBeUndefined();
  });

  test("gets no more tokens than it allows", async () => {
    const seen = await call(simulator, vendor, { stream, maxTokens: 13 });
    expect(seen).toMatchObject({ isWhole: true, finish: finishes[vendor].length, outputTokens: 13 });
    expect(seen.text).toHaveLength(52);
  });

  test("gets the text up to its stop sequence", async () => {
    const { text } = await call(simulator, vendor, { stream });
    const stop = text.slice(50, 56);
    const seen = await call(simulator, vendor, { stream, stop });
    expect(seen).toMatchObject({ isWhole: true, finish: finishes[vendor].stop });
    expect(seen.text).toBe(text.slice(0, text.indexOf(stop)));
  });
});

describe.each(vendors.map((vendor) => ({ vendor })))("$vendor's errors", ({ vendor }) => {
  test("say that a key is not known", async () => {
    const wrong = { anthropic: 401, openai: 401, gemini: 400 };
    for (const key of ["sim-invalid-1", "another-key"]) {
      const error = errorOf(await call(simulator, vendor, { key }));
      expect(error.status).toBe(wrong[vendor]);
      if (vendor === "anthropic") expect(error.type).toBe("authentication_error");
      if (vendor === "openai") expect(error.code).toBe("invalid_api_key");
      if (vendor === "gemini") expect(error.details[0]).toMatchObject({ reason: "API_KEY_INVALID" });
    }
  });

  test("say that there is no such model", async () => {
    const error = errorOf(await call(simulator, vendor, { model: "no-such-model" }));
    expect(error.status).toBe(404);
    expect(error.message).toContain("no-such-model");
    if (vendor === "anthropic") expect(error.type).toBe("not_found_error");
    if (vendor === "openai") expect(error.code).toBe("model_not_found");
  });

  test("say that a body is too large", async () => {
    const error = errorOf(await call(simulator, vendor, { prompt: "x".repeat(60_000) }));
    expect(error.status).toBe({ anthropic: 413, openai: 413, gemini: 400 }[vendor]);
  });
});

const paths: Record<Vendor, string> = {
  anthropic: "/anthropic/v1/messages",
  openai: "/openai/v1/chat/completions",
  gemini: `/gemini/v1beta/models/${models.gemini}:generateContent`,
};
const asCaller = {
  "x-api-key": goodKey,
  authorization: `Bearer ${goodKey}`,
  "x-goog-api-key": goodKey,
  "anthropic-version": "2026-10-21",
};
const turn = [{ role: "user", content: "hi" }];

describe("a body that a vendor would refuse", () => {
  test.each<[Vendor, string, RegExp]>([
    ["anthropic", "{", /not valid JSON/],
    ["anthropic", "[]", /body: /],
    ["anthropic", JSON.stringify({ max_tokens: 1, messages: turn }), /model: Field required/],
    ["anthropic", JSON.stringify({ model: models.anthropic, messages: turn }), /max_tokens: Field required/],
    ["anthropic", JSON.stringify({ model: models.anthropic, max_tokens: 1 }), /messages: Field required/],
    ["anthropic", JSON.stringify({ model: models.anthropic, max_tokens: 1, messages: [] }), /at least one message/],
    [
      "anthropic",
      JSON.stringify({ model: models.anthropic, max_tokens: 1, messages: turn, temperature: 1 }),
      /temperature: Extra inputs are not permitted/,
    ],
    ["openai", "not json", /could not parse the JSON body/],
    ["openai", "null", /expected object/],
    ["openai", JSON.stringify({ messages: turn }), /you must provide a model parameter/],
    ["openai", JSON.stringify({ model: models.openai }), /Missing required parameter: 'messages'/],
    [
      "openai",
      JSON.stringify({ model: models.openai, messages: [{}] }),
      /Missing required parameter: 'messages\[0\].role'/,
    ],
    ["openai", JSON.stringify({ model: models.openai, messages: turn, max_tokens: 5 }), /Use 'max_completion_tokens'/],
    ["openai", JSON.stringify({ model: models.openai, messages: turn, n: 2 }), /Invalid 'n'/],
    ["gemini", "", /Invalid JSON payload/],
    ["gemini", "{}", /contents is not specified/],
    ["gemini", JSON.stringify({ contents: [{ parts: [{ text: 5 }] }] }), /contents.0.parts.0.text/],
  ])("gets 400 from %s: %s", async (vendor, body, words) => {
    const response = await post(paths[vendor], body, asCaller);
    expect(response.status).toBe(400);
    const answer = JSON.parse(await response.text());
    expect(answer.error.message).toMatch(words);
    if (vendor === "anthropic") {
      expect(answer).toEqual({
        type: "error",
        error: { type: "invalid_request_error", message: answer.error.message },
        request_id: response.headers.get("request-id"),
      });
    }
    if (vendor === "openai") expect(Object.keys(answer.error)).toEqual(["message", "type", "param", "code"]);
    if (vendor === "gemini") expect(answer.error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT" });
  });

  test("is answered with an error of the caller's, whatever JSON it is", async () => {
    const body = fc.oneof(
      fc.json(),
      fc
        .record({
          model: fc.constantFrom(models.anthropic, models.openai, "__proto__", 1),
          max_tokens: fc.anything(),
          messages: fc.oneof(fc.constant(turn), fc.jsonValue()),
          contents: fc.jsonValue(),
          stop: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value, (_, field) => (typeof field === "bigint" ? `${field}` : field))),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...vendors), body, async (vendor, text) => {
        const response = await post(paths[vendor], text, asCaller);
        await response.arrayBuffer();
        expect([200, 400, 404]).toContain(response.status);
      }),
      { numRuns: 300 },
    );
  });
});

test("Anthropic wants its version header, and takes a bearer token for a key", async () => {
  const body = JSON.stringify({ model: models.anthropic, max_tokens: 9, messages: turn });
  const headers = { authorization: `Bearer ${goodKey}` };
  expect((await post(paths.anthropic, body, headers)).status).toBe(400);
  const dated = { ...headers, "anthropic-version": "2023-06-01" };
  expect((await post(paths.anthropic, body, dated)).status).toBe(200);
});

test("Anthropic's older version still takes sampling parameters", async () => {
  const body = JSON.stringify({ model: models.anthropic, max_tokens: 9, messages: turn, temperature: 1 });
  expect((await post(paths.anthropic, body, { ...asCaller, "anthropic-version": "2023-06-01" })).status).toBe(200);
});

test("Gemini takes its key from the query too, and streams with alt=sse only", async () => {
  const body = JSON.stringify({ contents: [{ parts: [{ text: "hi" }] }] });
  expect((await post(`${paths.gemini}?key=${goodKey}`, body)).status).toBe(200);
  expect((await post(`${paths.gemini}?key=other`, body)).status).toBe(400);
  expect((await post(paths.gemini, body)).status).toBe(403);
  const stream = paths.gemini.replace(":generate", ":streamGenerate");
  expect((await post(`${stream}?key=${goodKey}`, body)).status).toBe(400);
});

test("paths without a prefix work as well, and dated models are their models", async () => {
  const body = JSON.stringify({ model: "claude-haiku-4-5-20251001", max_tokens: 9, messages: turn });
  const response = await post("/v1/messages", body, asCaller);
  expect(await response.json()).toMatchObject({ type: "message", model: "claude-haiku-4-5-20251001" });
});

test("an unknown path is refused in the words of whoever's prefix it has", async () => {
  const answers = ["/anthropic/v1/nothing", "/openai/v1/nothing", "/gemini/v1beta/nothing", "/nothing"].map(
    async (path) => {
      const response = await post(path, "{}");
      return [response.status, await response.json()];
    },
  );
  expect(await Promise.all(answers)).toMatchObject([
    [404, { type: "error", error: { type: "not_found_error" } }],
    [404, { error: { type: "invalid_request_error" } }],
    [404, { error: { status: "NOT_FOUND" } }],
    [404, { error: { message: expect.stringContaining("/_sim") } }],
  ]);
});

test("every SDK lists the models, with a good key only", async () => {
  const anthropic = new Anthropic({ apiKey: goodKey, baseURL: simulator.baseUrls.anthropic, maxRetries: 0 });
  const openai = new OpenAI({ apiKey: goodKey, baseURL: simulator.baseUrls.openai, maxRetries: 0 });
  const gemini = await fetch(`${simulator.baseUrls.gemini}/v1beta/models?key=${goodKey}`);
  expect((await anthropic.models.list()).data.map(({ id }) => id)).toContain(models.anthropic);
  expect((await openai.models.list()).data.map(({ id }) => id)).toContain(models.openai);
  expect(await gemini.json()).toMatchObject({
    models: expect.arrayContaining([expect.objectContaining({ name: `models/${models.gemini}` })]),
  });
  const stranger = new OpenAI({ apiKey: "sim-invalid", baseURL: simulator.baseUrls.openai, maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
});

test("Anthropic streams its events by name and in order", async () => {
  const body = JSON.stringify({ model: models.anthropic, max_tokens: 10, messages: turn, stream: true });
  const response = await post(paths.anthropic, body, asCaller);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const names = [...(await response.text()).matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
  expect(names).toEqual([
    "message_start",
    "content_block_start",
    "ping",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
});

test("OpenAI's stream ends with [DONE], and tells usage only to who asks", async () => {
  const body = { model: models.openai, messages: turn, stream: true };
  const plain = await (await post(paths.openai, JSON.stringify(body), asCaller)).text();
  expect(plain.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(plain).not.toContain("usage");
  const counted = { ...body, stream_options: { include_usage: true } };
  const chunks = (await (await post(paths.openai, JSON.stringify(counted), asCaller)).text())
    .split("\n\n")
    .slice(0, -2);
  const usages = chunks.map((chunk) => JSON.parse(chunk.slice("data: ".length)).usage);
  expect(usages.at(-1)).toMatchObject({ prompt_tokens: 1, completion_tokens: 40, total_tokens: 41 });
  expect(usages.slice(0, -1).every((usage) => usage === null)).toBe(true);
});

test("the text is sent in pieces, and system prompts and parts of content are counted", async () => {
  const pieces: string[] = [];
  await call(simulator, "anthropic", { stream: true, onPiece: (piece) => pieces.push(piece) });
  expect(pieces.map((piece) => piece.length)).toEqual([32, 32, 32, 32, 32]);
  const body = {
    model: models.anthropic,
    max_tokens: 5,
    system: "x".repeat(400),
    messages: [{ role: "user", content: [{ type: "text", text: "y".repeat(400) }] }],
  };
  const answer = await (await post(paths.anthropic, JSON.stringify(body), asCaller)).json();
  expect(answer).toMatchObject({ usage: { input_tokens: 201 } });
});

test("a simulator told to takes any model, and only its own keys", async () => {
  const open = await startSimulator({ anyModel: true, keys: { accepted: ["mine"], refused: [] } });
  try {
    expect((await call(open, "openai", { model: "some-model", key: "mine-1" })).isWhole).toBe(true);
    expect(errorOf(await call(open, "openai", { key: goodKey })).status).toBe(401);
  } finally {
    await open.close();
  }
});

test("options that do not exist are refused", async () => {
  const wrong = { seed: 1, latencies: "none" };
  await expect(startSimulator(wrong)).rejects.toThrow(/latencies/);
  await expect(startSimulator({ outputTokens: { p50: 9, p99: 1 } })).rejects.toThrow(/p99 must not be below p50/);
});
