/** Limits of every shape, over HTTP: what passes, what headers say, and what the ledger knows of refusals. */
import { afterEach, describe, expect, test } from "vitest";
import type { Limits } from "../../../src/simulator/options.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Vendor, vendors } from "../../../src/simulator/vendor.ts";
import { call, errorOf, models, type Seen } from "./clients.ts";

const running: Simulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

/** A simulator whose limits go by a clock that stands at 11:06:40.250 UTC until it is moved. */
async function start(vendor: Vendor, limits: Limits, options: SimulatorOptions = {}) {
  const clock = { ms: Date.parse("2026-11-18T11:06:40.250Z"), now: () => clock.ms };
  const simulator = await startSimulator({
    clock,
    limits: { [vendor]: limits },
    outputTokens: { p50: 100, p99: 100 },
    ...options,
  });
  running.push(simulator);
  return { clock, simulator };
}
const prompt = "p".repeat(40);
const nothing: Seen = { text: "", isWhole: false };

const callAtOnce = (simulator: Simulator, vendor: Vendor, times: number, maxTokens = 200): Promise<Seen[]> =>
  Promise.all(Array.from({ length: times }, () => call(simulator, vendor, { prompt, maxTokens })));
const through = (seen: readonly Seen[]) => seen.filter(({ isWhole }) => isWhole).length;
const limitsShown = (seen: Seen | undefined) =>
  Object.fromEntries([...(seen?.headers ?? [])].filter(([name]) => name.includes("ratelimit")));

describe.each(vendors.map((vendor) => ({ vendor })))("$vendor", ({ vendor }) => {
  test("counts requests of a second, and lets the next second begin anew", async () => {
    const { clock, simulator } = await start(vendor, { requestsPerMinute: 240, requestsWindowMs: 1_000 });
    expect(through(await callAtOnce(simulator, vendor, 9))).toBe(4);
    clock.ms += 749;
    expect(through(await callAtOnce(simulator, vendor, 2))).toBe(0);
    clock.ms += 1;
    expect(through(await callAtOnce(simulator, vendor, 9))).toBe(4);
    expect(simulator.summary().refusals).toEqual({ requests: 12 });
  });

  test("counts tokens of a calendar minute", async () => {
    const { clock, simulator } = await start(vendor, { tokensPerMinute: 650, tokensWindow: "minute" });
    expect(through(await callAtOnce(simulator, vendor, 5))).toBe(3);
    clock.ms += 19_749;
    expect(through(await callAtOnce(simulator, vendor, 2))).toBe(0);
    clock.ms += 1;
    expect(through(await callAtOnce(simulator, vendor, 5))).toBe(3);
    expect(simulator.summary().refusals).toEqual({ tokens: 6 });
  });

  test("gives back what a finished call did not use", async () => {
    const { simulator } = await start(vendor, { tokensPerMinute: 1_000, refund: true });
    for (const left of [890, 780, 670]) {
      expect(through(await callAtOnce(simulator, vendor, 1))).toBe(1);
      // 210 were reserved and 110 used: the next call finds exactly that much less.
      const [refused] = await callAtOnce(simulator, vendor, 1, left - 9);
      expect(errorOf(refused ?? nothing).status).toBe(429);
    }
    expect(through(await callAtOnce(simulator, vendor, 1, 660))).toBe(1);
  });

  test("ends the requests of a day, and says in the ledger what refused a call", async () => {
    const { simulator } = await start(vendor, { requestsPerDay: 1, inputTokensPerMinute: 50 });
    simulator.order({ kind: "rate-limit" });
    await callAtOnce(simulator, vendor, 1);
    const [, refused] = [await callAtOnce(simulator, vendor, 1), await callAtOnce(simulator, vendor, 1)];
    expect(errorOf(refused[0] ?? nothing).message).toContain(
      { anthropic: "1 requests per day", openai: "requests per day (RPD): Limit 1", gemini: "per_day" }[vendor],
    );
    expect(simulator.ledger().map(({ status, refusedBy }) => ({ status, refusedBy }))).toEqual([
      { status: 429, refusedBy: undefined },
      { status: 200, refusedBy: undefined },
      { status: 429, refusedBy: "requestsPerDay" },
    ]);
    expect(simulator.ledger()[2]).toMatchObject({ model: models[vendor], refusedBy: "requestsPerDay" });
    expect(simulator.summary().refusals).toEqual({ requestsPerDay: 1 });
  });

  test("answers with as many tokens as the prompt orders, up to the caller's maximum", async () => {
    const { simulator } = await start(vendor, {}, { outputFromPrompt: true });
    const ordered = (prompt: string, maxTokens: number) => call(simulator, vendor, { prompt, maxTokens });
    const seen = await ordered("Tell me of mills. [output 211]", 300);
    expect([seen.text.length, seen.outputTokens]).toEqual([4 * 211, 211]);
    const exact = await ordered("Tell me of mills. [output 211]", 211);
    expect([exact.outputTokens, exact.finish]).toEqual([211, seen.finish]);
    const cut = await ordered("Tell me of mills. [output 211]", 50);
    expect([cut.outputTokens, cut.finish]).toEqual([
      50,
      { anthropic: "max_tokens", openai: "length", gemini: "MAX_TOKENS" }[vendor],
    ]);
    expect((await ordered("Tell me of mills.", 300)).outputTokens).toBe(100);
  });
});

test("a prompt orders nothing where the simulator is not told to listen", async () => {
  const { simulator } = await start("openai", {});
  expect((await call(simulator, "openai", { prompt: "[output 211]" })).outputTokens).toBe(100);
});

test("OpenAI's headers show what is left in the present window, and its end", async () => {
  const minute = { tokensPerMinute: 2_000, tokensWindow: "minute" } as const;
  const { simulator } = await start("openai", { requestsPerMinute: 240, requestsWindowMs: 1_000, ...minute });
  const [seen] = await callAtOnce(simulator, "openai", 1);
  expect(limitsShown(seen)).toEqual({
    "x-ratelimit-limit-requests": "240",
    "x-ratelimit-remaining-requests": "3",
    "x-ratelimit-reset-requests": "750ms",
    "x-ratelimit-limit-tokens": "2000",
    "x-ratelimit-remaining-tokens": "1790",
    "x-ratelimit-reset-tokens": "19.75s",
  });
  const refused = (await callAtOnce(simulator, "openai", 4)).find(({ isWhole }) => !isWhole);
  const error = errorOf(refused ?? nothing);
  expect([error.header("retry-after-ms"), error.header("x-ratelimit-remaining-requests")]).toEqual(["750", "0"]);
});

test("Anthropic's headers show the end of the window, and the requests of a day where nothing is narrower", async () => {
  const { simulator } = await start("anthropic", {
    requestsPerDay: 50,
    inputTokensPerMinute: 60_000,
    outputTokensPerMinute: 6_000,
    tokensWindow: "minute",
  });
  const [seen] = await callAtOnce(simulator, "anthropic", 1);
  expect(limitsShown(seen)).toMatchObject({
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-19T00:00:00Z",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-18T11:07:00Z",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-18T11:07:00Z",
    "anthropic-ratelimit-tokens-limit": "66000",
    "anthropic-ratelimit-tokens-reset": "2026-11-18T11:07:00Z",
  });
});
