import { afterEach, beforeEach, expect, test } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../../src/simulator/simulator.ts";
import { vendors } from "../../../src/simulator/vendor.ts";
import { call, until } from "./clients.ts";

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ outputTokens: { p50: 20, p99: 20 } });
});
afterEach(() => simulator.close());

const control = async (path: string, method = "GET") => {
  const response = await fetch(`${simulator.url}/_sim/${path}`, { method });
  return { status: response.status, body: await response.json() };
};

test("the ledger knows every call by provider, model, key tail, correlation and text", async () => {
  for (const vendor of vendors) {
    await call(simulator, vendor, { correlation: `request-${vendor}`, stream: vendor === "openai" });
  }
  const calls = simulator.ledger();
  expect(calls).toMatchObject([
    { seq: 0, provider: "anthropic", model: "claude-haiku-4-5", correlation: "request-anthropic", streamed: false },
    { seq: 1, provider: "openai", model: "gpt-5-mini", correlation: "request-openai", streamed: true },
    { seq: 2, provider: "gemini", model: "gemini-2.5-flash", correlation: "request-gemini", streamed: false },
  ]);
  for (const record of calls) {
    expect(record).toMatchObject({ keyTail: "abcd", status: 200, ended: "complete", inputTokens: 4, outputTokens: 20 });
    expect(JSON.stringify(record)).not.toContain("sim-test");
    expect(JSON.stringify(record)).not.toContain("mill?");
  }
  // The same text has one hash, whoever was asked.
  expect(new Set(calls.map(({ textHash }) => textHash)).size).toBe(1);
  expect((await control("ledger")).body).toEqual({ calls, next: 3, first: 0, received: 3 });
});

test("the request id in the answer's headers is the one in the ledger", async () => {
  const { headers } = await call(simulator, "anthropic");
  expect(simulator.ledger()[0]?.requestId).toBe(headers?.get("request-id"));
});

test("the summary tells retries of refused calls from answers that were given twice", async () => {
  simulator.order({ kind: "server-error" });
  await call(simulator, "openai", { correlation: "one", prompt: "first" });
  await call(simulator, "openai", { correlation: "one", prompt: "first" });
  await call(simulator, "anthropic", { correlation: "two", prompt: "second" });
  await call(simulator, "gemini", { correlation: "two", prompt: "second" });
  await call(simulator, "gemini", { prompt: "third", key: "wrong" });
  const { body } = await control("ledger/summary");
  expect(body).toEqual(simulator.summary());
  expect(body).toMatchObject({
    calls: 5,
    byProvider: { openai: 2, anthropic: 1, gemini: 2 },
    byStatus: { 500: 1, 200: 3, 400: 1 },
    byCorrelation: { distinct: 2, repeated: 2, extraCalls: 2, extraAnswers: 1 },
    byText: { distinct: 2, repeated: 2, extraCalls: 2, extraAnswers: 1 },
  });
});

test("the ledger is read in pages and cleared, and goes on counting", async () => {
  for (let index = 0; index < 5; index += 1) await call(simulator, "openai");
  const page = await control("ledger?since=1&limit=2");
  expect(page.body).toMatchObject({ calls: [{ seq: 1 }, { seq: 2 }], next: 3, received: 5 });
  expect((await control("ledger?since=5")).body).toMatchObject({ calls: [], next: 5 });
  expect((await control("ledger?since=yesterday")).status).toBe(400);
  expect((await control("ledger", "DELETE")).body).toEqual({ next: 5 });
  await call(simulator, "openai");
  expect((await control("ledger")).body).toMatchObject({ calls: [{ seq: 5 }], first: 5, received: 6 });
  expect((await control("health")).body).toEqual({ ok: true, received: 6 });
  expect((await control("nothing")).status).toBe(404);
});

test("a caller that leaves before the answer is recorded as left", async () => {
  const leave = new AbortController();
  simulator.order({ kind: "slow", ms: 60_000 });
  const calling = call(simulator, "openai", { signal: leave.signal });
  await until(() => simulator.ledger().length === 1);
  expect(simulator.ledger()[0]?.ended).toBe("open");
  leave.abort();
  await calling;
  await until(() => simulator.ledger()[0]?.ended === "client-left");
  expect(simulator.ledger()[0]).not.toHaveProperty("status");
});

test("closing ends hung and slow calls", async () => {
  const other = await startSimulator();
  other.order([{ kind: "hang" }, { kind: "slow", ms: 60_000 }]);
  const calls = [call(other, "anthropic"), call(other, "gemini")];
  await until(() => other.ledger().length === 2);
  await other.close();
  for (const seen of await Promise.all(calls)) expect(seen.error).toBeInstanceOf(Error);
});

test("the same seed gives the same answers and the same latencies, another seed others", async () => {
  const run = async (options: SimulatorOptions) => {
    const seeded = await startSimulator({
      ...options,
      outputTokens: { p50: 60, p99: 300 },
      latency: { firstTokenMs: { p50: 4, p99: 20 }, perTokenMs: 0 },
    });
    const seen = [];
    for (const prompt of ["one", "two", "three", "four"]) {
      const { text, outputTokens, headers } = await call(seeded, "openai", { prompt });
      seen.push({ text, outputTokens, ms: headers?.get("openai-processing-ms") });
    }
    await seeded.close();
    return seen;
  };
  const [first, second, other] = [await run({ seed: 5 }), await run({ seed: 5 }), await run({ seed: 6 })];
  expect(first).toEqual(second);
  expect(first.map(({ text }) => text)).not.toEqual(other.map(({ text }) => text));
  expect(new Set(first.map(({ ms }) => ms)).size).toBeGreaterThan(1);
});

test("an answer takes its first-token time and its time per token", async () => {
  const paced = await startSimulator({
    outputTokens: { p50: 50, p99: 50 },
    latency: { firstTokenMs: { p50: 30, p99: 30 }, perTokenMs: 1 },
  });
  const startedMs = performance.now();
  let firstMs: number | undefined;
  await call(paced, "openai", {
    stream: true,
    onPiece: () => {
      firstMs ??= performance.now() - startedMs;
    },
  });
  const wholeMs = performance.now() - startedMs;
  await paced.close();
  expect(firstMs).toBeGreaterThanOrEqual(37);
  expect(wholeMs).toBeGreaterThanOrEqual(79);
  expect(wholeMs).toBeGreaterThan(firstMs ?? Number.POSITIVE_INFINITY);
});
