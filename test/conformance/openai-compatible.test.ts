/** Providers by a profile: keys, probes and answers of their own shapes. The real SDK over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../src/provider/adapters/openai/profiles.ts";
import { openaiCompatible } from "../../src/provider/adapters/openai-compatible.ts";
import { providerById } from "../../src/provider/registry.ts";
import { apiKey, exchange } from "../support/exchange.ts";
import { startWireServer, type WireServer } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";

let server: WireServer;
beforeAll(async () => {
  server = await startWireServer();
});
afterAll(() => server.stop());

const at = (id: string, key = apiKey) => {
  const provider = providerById(id);
  if (provider === undefined) throw new Error(`no ${id}`);
  return provider.connect({ apiKey: key, baseUrl: `${server.url}/v1` });
};
const completion = (message: object, more: object = {}) =>
  json(JSON.stringify({ choices: [{ message, finish_reason: "stop", ...more }] }));
const sse = (...chunks: readonly object[]) =>
  eventStream(...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), "data: [DONE]\n\n");
const piece = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const silent = () => ({ signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} });

describe("a provider by its profile", () => {
  it("can be anybody's server", async () => {
    const own = openaiCompatible({
      id: "mill",
      apiKey: ["MILL_API_KEY"],
      baseUrl: ["MILL_BASE_URL"],
      defaultBaseUrl: `${server.url}/api/v9`,
    });
    expect(own.environment).toEqual({ apiKey: ["MILL_API_KEY"], baseUrl: ["MILL_BASE_URL"] });
    const { sent } = await exchange(server, own.connect({ apiKey }), completion({ content: "Hi." }));
    expect(sent.path).toBe("/api/v9/chat/completions");
    expect(sent.headers.get("authorization")).toBe(`Bearer ${apiKey}`);
  });

  it("shows no key where none is set, and says so by its address", async () => {
    const address = `${server.url}/v1`;
    for (const id of ["vllm", "ollama"]) {
      const { sent, outcome } = await exchange(server, at(id, address), completion({ content: "Hi." }));
      expect(outcome.ok).toBe(true);
      expect(sent.headers.get("authorization")).toBeNull();
      expect(providerById(id)?.environment.apiKey).toContain(providerById(id)?.environment.baseUrl[0]);
    }
    const { sent } = await exchange(server, at("vllm", "secret-key"), completion({ content: "Hi." }));
    expect(sent.headers.get("authorization")).toBe("Bearer secret-key");
  });

  it("never tells OpenAI's organisation to others", async () => {
    process.env.OPENAI_ORG_ID = "org-of-openai";
    try {
      const { sent } = await exchange(server, at("groq"), completion({ content: "Hi." }));
      expect(sent.headers.get("openai-organization")).toBeNull();
    } finally {
      delete process.env.OPENAI_ORG_ID;
    }
  });

  it("lists models where its list needs a key, in its own shape", async () => {
    const shapes: Readonly<Record<string, readonly [string, unknown]>> = {
      groq: ["/v1/models", { data: [] }],
      together: ["/v1/models", []],
      openrouter: ["/v1/models/user", { data: [] }],
      mistral: ["/v1/models", { data: [] }],
    };
    for (const [id, [path, list]] of Object.entries(shapes)) {
      server.answer = () => json(JSON.stringify(list));
      expect(await at(id).probe(silent()), id).toMatchObject({ ok: true });
      expect(server.requests.at(-1)?.path).toBe(path);
    }
    server.answer = () => json(JSON.stringify({ models: [] }));
    const cohere = providerById("cohere")?.connect({ apiKey, baseUrl: `${server.url}/compatibility/v1` });
    expect(await cohere?.probe(silent())).toMatchObject({ ok: true });
    expect(server.requests.at(-1)?.path).toBe("/v1/models");
  });

  it("reads reasoning whole and streamed, and gives it back as a part", async () => {
    const parts = [
      { type: "reasoning", text: "Hm. So.", provider: "deepseek" },
      { type: "text", text: "Yes." },
    ];
    const whole = await exchange(server, at("deepseek"), completion({ content: "Yes.", reasoning_content: "Hm. So." }));
    expect(whole.outcome).toMatchObject({ ok: true, text: "Yes.", parts });
    const streamed = await exchange(
      server,
      at("deepseek"),
      sse(
        piece({ role: "assistant", content: null, reasoning_content: "Hm. " }),
        piece({ reasoning_content: "So." }),
        piece({ content: "Yes." }),
        piece({}, "stop"),
      ),
      { stream: true },
    );
    expect(streamed.outcome).toMatchObject({ ok: true, text: "Yes.", parts });
    expect(streamed.deltas).toEqual([
      { type: "reasoning", text: "Hm. " },
      { type: "reasoning", text: "So." },
      { type: "text", text: "Yes." },
    ]);
  });

  it("heeds no piece after the reason why it ended", async () => {
    const { outcome, pieces } = await exchange(
      server,
      at("groq"),
      sse(piece({ content: "Yes." }, "stop"), piece({ content: " No." }, "length"), {
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 2 },
      }),
      { stream: true },
    );
    expect(outcome).toMatchObject({ ok: true, text: "Yes.", finish: { unified: "stop" }, usage: { inputTokens: 3 } });
    expect(pieces).toEqual(["Yes."]);
  });

  it("keeps an answer that had ended when the connection broke, with its usage unknown", async () => {
    const broken = { ...eventStream(`data: ${JSON.stringify(piece({ content: "Yes." }, "stop"))}\n\n`) };
    const { outcome } = await exchange(server, at("groq"), { ...broken, finale: "reset" }, { stream: true });
    expect(outcome).toMatchObject({ ok: true, text: "Yes.", usage: {} });
  });

  it.each([
    ["error", "server"],
    ["insufficient_system_resource", "capacity"],
  ])("calls an answer that ended with %s a failure", async (raw, kind) => {
    const whole = await exchange(server, at("deepseek"), completion({ content: "Ye" }, { finish_reason: raw }));
    expect(whole.outcome).toMatchObject({ ok: false, failure: { kind } });
    const stream = sse(piece({ content: "Ye" }), piece({}, raw));
    const streamed = await exchange(server, at("deepseek"), stream, { stream: true });
    expect(streamed.outcome).toMatchObject({ ok: false, failure: { kind } });
  });

  it("reads OpenRouter's word about the provider behind it", async () => {
    const error = { code: 502, message: "Provider returned error" };
    const { outcome } = await exchange(server, at("openrouter"), completion({ content: "" }, { error }));
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "server", message: "Provider returned error" } });
  });

  it.each([
    ["mistral", 429, { object: "error", message: "Requests rate limit exceeded", type: "rate", code: "1300" }, "rate"],
    ["kimi", 429, { error: { type: "exceeded_current_quota_error", message: "Check your plan." } }, "quotaHard"],
    ["kimi", 429, { error: { type: "engine_overloaded_error", message: "Overloaded." } }, "capacity"],
    ["grok", 403, { code: "denied", error: "Your team has used all available credits." }, "quotaHard"],
    ["groq", 498, { error: { type: "capacity", message: "Flex tier capacity exceeded." } }, "capacity"],
    ["openrouter", 429, { error: { code: 429, message: "Limit exceeded: free-models-per-day." } }, "quotaDay"],
    ["deepseek", 402, { error: { message: "Insufficient Balance", type: "unknown_error" } }, "quotaHard"],
    ["vllm", 400, { object: "error", message: "Prompt too long", type: "BadRequestError", code: 400 }, "client"],
  ])("reads an error of %s with status %d: %j", async (id, status, body, kind) => {
    const { outcome } = await exchange(server, at(id), json(JSON.stringify(body), status));
    const words = "error" in body && typeof body.error === "object" ? body.error.message : undefined;
    expect(outcome).toMatchObject({ ok: false, failure: { kind, status } });
    if (words !== undefined) expect(outcome).toMatchObject({ failure: { message: words } });
    else expect(JSON.stringify(outcome)).not.toContain("no body");
  });

  it("refuses before it sends what its wire cannot carry", async () => {
    const before = server.requests.length;
    const film = { type: "video" as const, source: { url: "https://example.com/a.mp4" } };
    const connection = at("groq");
    const outcome = await connection.chat?.(
      {
        model: "m",
        body: { model: "m", messages: [{ role: "user", content: [film] }] },
        stream: false,
        defaultMaxOutputTokens: 9,
      },
      silent(),
    );
    expect(outcome).toEqual({ ok: false, failure: { kind: "client", message: "Groq takes no video in a message" } });
    expect(server.requests.length).toBe(before);
  });

  it("has a key or an address of its own for every profile", () => {
    const names = profiles.flatMap((profile) => [...profile.apiKey, ...profile.baseUrl]);
    expect(new Set(names).size).toBe(names.length);
    for (const { defaultBaseUrl } of profiles) expect(defaultBaseUrl).toMatch(/^https?:\/\/\S+[^/]$/);
  });
});

describe("embeddings", () => {
  const embed = async (answer: Parameters<typeof json>[0], texts = ["a", "b"]) => {
    server.answer = () => json(answer);
    return at("mistral").embedding?.(
      {
        model: "m",
        body: { operation: "embedding", model: "m", input: texts, dimensions: 2 },
        stream: false,
        defaultMaxOutputTokens: 1,
      },
      silent(),
    );
  };

  it("come in the order of the texts, with the input as usage", async () => {
    const data = [
      { index: 1, embedding: [3, 4] },
      { index: 0, embedding: [1, 2] },
    ];
    expect(await embed(JSON.stringify({ data, usage: { prompt_tokens: 5, total_tokens: 5 } }))).toMatchObject({
      ok: true,
      embeddings: [
        [1, 2],
        [3, 4],
      ],
      usage: { inputTokens: 5, outputTokens: 0 },
    });
    expect(server.requests.at(-1)?.body).toEqual({
      model: "m",
      input: ["a", "b"],
      encoding_format: "float",
      dimensions: 2,
    });
  });

  it.each([
    ["too few", { data: [{ index: 0, embedding: [1] }] }],
    [
      "one twice",
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [1] },
        ],
      },
    ],
    ["an empty one", { data: [{ embedding: [1] }, { embedding: [] }] }],
    ["no list", { object: "list" }],
  ])("that are %s are the server's failure", async (_, answer) => {
    expect(await embed(JSON.stringify(answer))).toMatchObject({ ok: false, failure: { kind: "server" } });
  });
});
