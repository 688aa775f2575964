/**
 * Worker processes under limits that are really enforced: the simulator meters what the settings name, and its ledger is
 * the judge. A refusal by a limit is one that a gate which knew better would not have caused.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, onTestFinished } from "vitest";
import { keysOf } from "../../src/admission/scripts.ts";
import { type Fleet, openFleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import type { CallRecord } from "../../src/simulator/call-ledger.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { type CliProcess, startCli, workFolder } from "./cli.ts";
import { eventually } from "./eventually.ts";
import { unlimited } from "./fleet.ts";
import type { TestServices } from "./services.ts";
import { allEnded, haiku } from "./work.ts";

export const leaseMs = 2_000;
/** Fifteen requests a second; tokens for a quarter more than requests of `handIn` take. */
export const limits = { requestsPerMinute: 900, inputTokensPerMinute: 112_500, outputTokensPerMinute: 63_000 };
export type Limits = typeof limits;
export const burstSeconds = 8;
/** Longest minus shortest way: some of it is the simulator's, the most is kept for a busy machine. */
const jitterMs = 1_000;
/** How long a call that left a worker may take to arrive, its worker's own delay included. */
export const onTheWireMs = 1_000;

export interface QuotaWish {
  /** What the provider enforces and the settings name. */
  readonly limits?: Partial<Limits>;
  readonly settings?: { readonly circuit?: { readonly threshold: number; readonly coolDownMs: number } };
  /** Instead of the services' own. */
  readonly redisUrl?: string;
  /** The way that workers take to it. */
  readonly redisUrlOfWorkers?: (redisUrl: string) => Promise<string>;
}

export interface QuotaScene {
  readonly fleet: Fleet;
  readonly simulator: Simulator;
  /** To the Redis of the gate, directly. */
  readonly redis: Redis;
  readonly keys: ReturnType<typeof keysOf>;
  readonly limits: Limits;
  /** Feeder and reconciler in one process, and so many workers; once all of them work. The pool begins warm: with a burst. */
  workers(count: number): Promise<CliProcess[]>;
  /** So many requests of about 100 tokens of input and 20 to 90 of output; a quarter of them interactive. */
  handIn(count: number): Promise<void>;
  /** Once so many calls have arrived, that of the first request included. */
  arrived(count: number, withinMs?: number): Promise<void>;
  /** Calls on the wire, booked or being answered. */
  underWay(): Promise<number>;
}

export async function openQuotaScene(services: TestServices, wish: QuotaWish = {}): Promise<QuotaScene> {
  const enforced: Limits = { ...limits, ...wish.limits };
  const simulator = await startSimulator({
    limits: { anthropic: { ...enforced, burstSeconds } },
    arrivalDelayMs: { p50: 20, p99: 60 },
    outputFromPrompt: true,
    latency: { firstTokenMs: { p50: 600, p99: 900 }, perTokenMs: 2 },
  });
  onTestFinished(() => simulator.close());
  const redisUrl = wish.redisUrl ?? (await services.emptyRedis());
  const cwd = workFolder();
  const modes = { requests: "bucket", inputTokens: "bucket", outputTokens: "bucket" };
  const settings = {
    providers: { anthropic: unlimited, openai: unlimited, gemini: unlimited },
    pools: { "anthropic.haiku": { ...enforced, modes, burstSeconds, jitterMs } },
    worker: { slotsPerLane: 20, leaseMs },
    ...wish.settings,
  };
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify(settings));
  const environment = {
    REDIS_URL: redisUrl,
    DATABASE_URL: await services.emptyDatabase(),
    ANTHROPIC_API_KEY: "sim-quota",
    ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
    MILLRACE_LOG: "error",
  };
  const fleet = await openFleet({ directory: cwd, environment });
  onTestFinished(() => fleet.close());
  const redis = new Redis(redisUrl);
  redis.on("error", () => {}); // a test takes it away
  onTestFinished(() => redis.disconnect());
  const ofWorkers = { ...environment, REDIS_URL: (await wish.redisUrlOfWorkers?.(redisUrl)) ?? redisUrl };
  const worker = async (...names: string[]) => {
    const process = startCli(["worker", ...names], { cwd, environment: ofWorkers });
    await process.said(/Working: /);
    return process;
  };
  const keys = keysOf("anthropic", "anthropic.haiku", `anthropic/${haiku}`);
  const handIn = async (count: number) => {
    const accepted = await fleet.intake.accept(Array.from({ length: count }, (_, at) => orderOf(at)));
    for (const entry of accepted) if (!entry.ok) throw new Error(entry.refusal.message);
  };
  return {
    fleet,
    simulator,
    redis,
    keys,
    limits: enforced,
    async workers(count) {
      const started = Array.from({ length: count }, () => worker("anthropic"));
      const [, ...processes] = await Promise.all([worker("feeder", "reconciler"), ...started]);
      await handIn(1);
      await eventually("a first request has ended", () => simulator.ledger()[0]?.ended === "complete");
      // What is used of each dimension is the time until its bucket is full again, in us since 2025.
      const isFull = async () => {
        const nowUs = (Date.now() - Date.UTC(2025, 0, 1)) * 1_000;
        return (await redis.hmget(keys.pool, "a1", "a2", "a3")).every((at) => Number(at ?? nowUs) <= nowUs);
      };
      await eventually("the pool has warmed up", isFull);
      return processes;
    },
    handIn,
    async arrived(count, withinMs = 90_000) {
      await eventually(`${count} calls have arrived`, () => simulator.ledger().length >= count, withinMs);
    },
    underWay: () => redis.zcard(keys.leases),
  };
}

function orderOf(at: number): Order {
  const prompt = `Sack ${at}: ${"flour ".repeat(60)}[output ${20 + ((at * 37) % 71)}]`;
  return {
    tenant: "t",
    priority: at % 4 === 0 ? "interactive" : "bulk",
    body: {
      model: haiku,
      messages: [{ role: "user", content: [{ type: "text", text: prompt }] }],
      maxOutputTokens: 100,
    },
  };
}

/** Refused by a limit rather than by an order of the test. */
export const ownRefusals = (calls: readonly CallRecord[]): CallRecord[] =>
  calls.filter((call) => call.refusedBy !== undefined);

const admittedOf = (calls: readonly CallRecord[]): CallRecord[] =>
  calls.filter((call) => call.refusedBy === undefined && call.fault === undefined);

/** The most units of a refilling limit that were used at once, by what was admitted. */
export function peakUse(calls: readonly CallRecord[], perMinute: number, cost = requests): number {
  const msPerUnit = 60_000 / perMinute;
  let fullAtMs = 0;
  let peak = 0;
  for (const call of admittedOf(calls)) {
    fullAtMs = Math.max(fullAtMs, call.atMs) + cost(call) * msPerUnit;
    peak = Math.max(peak, (fullAtMs - call.atMs) / msPerUnit);
  }
  return peak;
}

export const requests = (_call: CallRecord): number => 1;
export const outputTokens = (call: CallRecord): number => call.outputTokens ?? 0;

/** Calls admitted a second between two moments. */
export const rateBetween = (calls: readonly CallRecord[], fromMs: number, toMs: number): number =>
  admittedOf(calls).filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length / ((toMs - fromMs) / 1_000);

export const lastAtMs = (calls: readonly CallRecord[]): number => calls.at(-1)?.atMs ?? 0;

/** That this limit held the run back: what the gate lets use of its burst was used, and the rest came at its rate. */
export function expectLimitBound(calls: readonly CallRecord[], perMinute: number, cost = requests): void {
  const burst = (perMinute * burstSeconds) / 60;
  // Of the burst, a tenth and the jitter's part are kept back, and a fifth of the rest for interactive requests.
  expect(peakUse(calls, perMinute, cost)).toBeGreaterThan(burst / 2);
  const admitted = admittedOf(calls);
  const units = admitted.reduce((sum, call) => sum + cost(call), 0);
  const tookMs = lastAtMs(admitted) - (admitted[0]?.atMs ?? 0);
  expect(units).toBeGreaterThan(2 * burst);
  expect(tookMs).toBeGreaterThanOrEqual(((units - burst) * 60_000) / perMinute - 1_000);
}

/** So many requests, beside the first one; within a lease's time of the last one's end no permit is left. */
export async function expectAllSucceed(scene: QuotaScene, count: number): Promise<void> {
  const { fleet, redis, keys } = scene;
  await scene.arrived(1 + count, 180_000);
  expect(await allEnded(fleet, 180_000)).toEqual({ succeeded: 1 + count });
  const left = () => Promise.all([redis.zcard(keys.leases), redis.hlen(keys.costs), redis.zcard(keys.booked)]);
  await eventually("no permit is left", async () => (await left()).every((one) => one === 0), 2 * leaseMs);
}
