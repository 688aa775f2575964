import { afterEach, describe, expect, test } from "vitest";
import type { LimitSettings } from "../../../src/simulator/options.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Vendor, vendors } from "../../../src/simulator/vendor.ts";
import { call, errorOf, models, type Seen, until } from "./clients.ts";

const running: Simulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

/** A simulator whose limits go by a clock that stands until it is moved. Every answer has 100 tokens, every prompt 10. */
async function start(limits: LimitSettings) {
  const clock = { ms: 1_795_000_000_000, now: () => clock.ms };
  const simulator = await startSimulator({ clock, limits, outputTokens: { p50: 100, p99: 100 } });
  running.push(simulator);
  return { clock, simulator };
}
const prompt = "p".repeat(40);

const callAtOnce = (simulator: Simulator, vendor: Vendor, times: number): Promise<Seen[]> =>
  Promise.all(Array.from({ length: times }, () => call(simulator, vendor, { prompt, maxTokens: 200 })));
const through = (seen: readonly Seen[]) => seen.filter(({ isWhole }) => isWhole).length;

describe.each(vendors.map((vendor) => ({ vendor })))("$vendor", ({ vendor }) => {
  test("answers exactly as many calls in a window as its limit allows", async () => {
    const { clock, simulator } = await start({ [vendor]: { requestsPerMinute: 12 } });
    expect(through(await callAtOnce(simulator, vendor, 30))).toBe(12);
    clock.ms += 4_999;
    expect(through(await callAtOnce(simulator, vendor, 3))).toBe(0);
    clock.ms += 1;
    expect(through(await callAtOnce(simulator, vendor, 3))).toBe(1);
    clock.ms += 55_000;
    expect(through(await callAtOnce(simulator, vendor, 30))).toBe(11);
    expect(simulator.summary().byStatus).toEqual({ 200: 24, 429: 42 });
  });

  test("counts input tokens, and what it refuses costs nothing", async () => {
    const { clock, simulator } = await start({ [vendor]: { requestsPerMinute: 6, inputTokensPerMinute: 30 } });
    expect(through(await callAtOnce(simulator, vendor, 9))).toBe(3);
    clock.ms += 20_000;
    expect(through(await callAtOnce(simulator, vendor, 9))).toBe(1);
    clock.ms += 40_000;
    expect(through(await callAtOnce(simulator, vendor, 9))).toBe(2);
  });
});

test("Anthropic says what is left in headers, and which limit is hit", async () => {
  const { simulator } = await start({
    anthropic: { requestsPerMinute: 2, inputTokensPerMinute: 60_000, outputTokensPerMinute: 6_000 },
  });
  const [first] = await callAtOnce(simulator, "anthropic", 1);
  const shown = Object.fromEntries([...(first?.headers ?? [])].filter(([name]) => name.includes("ratelimit")));
  expect(shown).toEqual({
    "anthropic-ratelimit-requests-limit": "2",
    "anthropic-ratelimit-requests-remaining": "1",
    "anthropic-ratelimit-requests-reset": "2026-11-18T11:07:10Z",
    "anthropic-ratelimit-input-tokens-limit": "60000",
    "anthropic-ratelimit-input-tokens-remaining": "60000",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-18T11:06:41Z",
    "anthropic-ratelimit-output-tokens-limit": "6000",
    "anthropic-ratelimit-output-tokens-remaining": "6000",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-18T11:06:40Z",
    "anthropic-ratelimit-tokens-limit": "66000",
    "anthropic-ratelimit-tokens-remaining": "66000",
    "anthropic-ratelimit-tokens-reset": "2026-11-18T11:06:41Z",
  });
  const [, refused] = await callAtOnce(simulator, "anthropic", 2);
  const error = errorOf(refused ?? { text: "", isWhole: false });
  expect(error).toMatchObject({ status: 429, type: "rate_limit_error" });
  expect(error.message).toContain("rate limit of 2 requests per minute");
  expect(error.header("retry-after")).toBe("30");
  expect(error.header("anthropic-ratelimit-requests-remaining")).toBe("0");
});

test("Anthropic charges output when it is produced, whatever maximum was asked for", async () => {
  const { clock, simulator } = await start({ anthropic: { outputTokensPerMinute: 250 } });
  expect(through(await callAtOnce(simulator, "anthropic", 5))).toBe(3);
  const [refused] = await callAtOnce(simulator, "anthropic", 1);
  expect(errorOf(refused ?? { text: "", isWhole: false }).message).toContain("250 output tokens per minute");
  // 50 tokens in debt and one that must be left, at 240 ms each.
  clock.ms += 12_239;
  expect(through(await callAtOnce(simulator, "anthropic", 1))).toBe(0);
  clock.ms += 1;
  expect(through(await callAtOnce(simulator, "anthropic", 1))).toBe(1);
});

test("OpenAI reserves input and maximum output, and says so in its message and headers", async () => {
  const { simulator } = await start({ openai: { requestsPerMinute: 500, tokensPerMinute: 1_000 } });
  const seen = await callAtOnce(simulator, "openai", 5);
  expect(through(seen)).toBe(4);
  const [one] = seen.filter(({ headers }) => headers?.get("x-ratelimit-remaining-requests") === "499");
  expect(Object.fromEntries([...(one?.headers ?? [])].filter(([name]) => name.startsWith("x-ratelimit")))).toEqual({
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-tokens": "790",
    "x-ratelimit-reset-tokens": "12.6s",
  });
  const error = errorOf(seen.find(({ isWhole }) => !isWhole) ?? { text: "", isWhole: false });
  expect(error).toMatchObject({ status: 429, type: "tokens", code: "rate_limit_exceeded" });
  expect(error.message).toContain(
    `Rate limit reached for ${models.openai} in organization org-simulated on tokens per min (TPM): ` +
      "Limit 1000, Used 840, Requested 210. Please try again in 3s.",
  );
  expect([error.header("retry-after"), error.header("retry-after-ms")]).toEqual(["3", "3000"]);
});

test("OpenAI tells a call larger than the whole limit that it never passes", async () => {
  const { simulator } = await start({ openai: { tokensPerMinute: 100 } });
  const [refused] = await callAtOnce(simulator, "openai", 1);
  const error = errorOf(refused ?? { text: "", isWhole: false });
  expect(error.message).toMatch(/Request too large .* Limit 100, Requested 210/);
});

test("Gemini says which quota is used up and when to come back, in the body", async () => {
  const { simulator } = await start({ gemini: { requestsPerMinute: 40 } });
  const seen = await callAtOnce(simulator, "gemini", 41);
  const error = errorOf(seen.find(({ isWhole }) => !isWhole) ?? { text: "", isWhole: false });
  expect(error.status).toBe(429);
  expect(error.details).toMatchObject([
    {
      "@type": "type.googleapis.com/google.rpc.QuotaFailure",
      violations: [{ quotaId: "GenerateRequestsPerMinutePerProjectPerModel", quotaValue: "40" }],
    },
    { "@type": "type.googleapis.com/google.rpc.Help" },
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" },
  ]);
});

test("keys and classes of models have limits of their own", async () => {
  const { simulator } = await start({
    openai: { requestsPerMinute: 1, classes: { "gpt-5": { requestsPerMinute: 2 } } },
  });
  const tries = await Promise.all(
    ["sim-one", "sim-two"].flatMap((key) =>
      [models.openai, "gpt-5"].flatMap((model) =>
        [1, 2, 3].map(async () => ({ key, model, seen: await call(simulator, "openai", { key, model }) })),
      ),
    ),
  );
  const answered = tries.filter(({ seen }) => seen.isWhole).map(({ key, model }) => `${key} ${model}`);
  expect(answered.sort()).toEqual(
    ["one gpt-5", "one gpt-5", `one ${models.openai}`, "two gpt-5", "two gpt-5", `two ${models.openai}`].map(
      (name) => `sim-${name}`,
    ),
  );
});

test("a call under way holds its place until it is over, or its caller has left", async () => {
  const { simulator } = await start({ gemini: { concurrency: 2 } });
  simulator.order({ kind: "hang", times: 2 });
  const leave = new AbortController();
  const hung = [1, 2].map(() => call(simulator, "gemini", { signal: leave.signal }));
  await until(() => simulator.summary().byEnd["hang"] === 2);
  expect(errorOf(await call(simulator, "gemini")).status).toBe(429);
  leave.abort();
  await Promise.all(hung);
  await until(() => simulator.summary().calls === 3);
  await expect.poll(async () => (await call(simulator, "gemini")).isWhole).toBe(true);
});

test("a call that is over gives its place back, however it ended", async () => {
  const { simulator } = await start({ openai: { concurrency: 1 } });
  simulator.order([
    { kind: "missing-usage" },
    { kind: "malformed-chunk" },
    { kind: "cut-stream", how: "end" },
    { kind: "stream-error" },
    { kind: "cut-stream", how: "reset" },
    { kind: "server-error" },
  ]);
  for (let turn = 0; turn < 6; turn += 1) {
    await call(simulator, "openai", { stream: true });
    await until(() => simulator.ledger()[turn]?.ended !== "open");
    expect(simulator.ledger()[turn]).toHaveProperty("fault");
  }
  expect((await call(simulator, "openai")).isWhole).toBe(true);
});

test("limits are changed over HTTP while the simulator runs", async () => {
  const { simulator } = await start({ openai: { requestsPerMinute: 2 } });
  expect(through(await callAtOnce(simulator, "openai", 5))).toBe(2);
  const put = (body: string) => fetch(`${simulator.url}/_sim/limits`, { method: "PUT", body });
  const changed = await put(JSON.stringify({ openai: { requestsPerMinute: 5 } }));
  expect([changed.status, await changed.json()]).toEqual([200, { openai: { requestsPerMinute: 5 } }]);
  expect(through(await callAtOnce(simulator, "openai", 9))).toBe(3);
  simulator.setLimits({ openai: {} });
  expect(through(await callAtOnce(simulator, "openai", 9))).toBe(9);

  const wrong = await put(JSON.stringify({ openai: { requestsPerMinute: -1, rpm: 3 } }));
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({
    error: { message: expect.stringMatching(/openai\.requestsPerMinute: .*rpm/s), problems: expect.any(Array) },
  });
  expect((await put("{")).status).toBe(400);
});
