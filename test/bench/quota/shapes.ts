/**
 * The five ways in which a provider counts: what the simulator enforces, what Millrace is told of it, and the earliest time at
 * which the last of some requests could have been admitted by anybody.
 */
import type { SettingsFile } from "../../../src/config/file.ts";
import type { LimitSettings } from "../../../src/simulator/options.ts";
import { type Length, maxOutputTokens } from "./trace.ts";

export interface QuotaShape {
  readonly name: "refilling" | "reserved" | "refunded" | "minute" | "second";
  readonly vendor: "anthropic" | "openai";
  readonly model: string;
  readonly pool: string;
  /** Admitted requests a second, about: how many requests a run of some seconds needs. */
  readonly perSecond: number;
  readonly limits: Readonly<Record<string, number | string | boolean>>;
  readonly settings: SettingsFile["pools"][string];
  /** Seconds from `startMs` before which nobody can have admitted all of these. */
  lowerBound(requests: readonly Length[], startMs: number): number;
  /** The same for who keeps the order of arrival and knows everything else (buckets), or is never refused (seconds). */
  reachable?(requests: readonly Length[]): number;
}

/** Longest minus shortest way to the simulator, with its delays (below) and what two busy cores add. */
const jitterMs = 100;
export const arrivalDelayMs = { p50: 10, p99: 50 };

export function quotaShapes(burstSeconds: number): readonly QuotaShape[] {
  const tokens = (cost: Meter["cost"], perMinute: number) => bucketsOf([{ cost, perMinute }], burstSeconds);
  const reservedTokens = ({ inputTokens }: Length) => inputTokens + maxOutputTokens;
  const usedTokens = ({ inputTokens, outputTokens }: Length) => inputTokens + outputTokens;
  // Input binds. Where several dimensions bind by turns, no order of arrival reaches the bound with a small burst.
  const refilling = { requestsPerMinute: 2_400, inputTokensPerMinute: 2_000_000, outputTokensPerMinute: 600_000 };
  const bucket = (dimensions: readonly string[]) => ({
    modes: Object.fromEntries(dimensions.map((dimension) => [dimension, "bucket" as const])),
    burstSeconds,
    jitterMs,
  });
  return [
    {
      name: "refilling",
      vendor: "anthropic",
      model: "claude-haiku-4-5",
      pool: "anthropic.haiku",
      perSecond: 28,
      limits: { ...refilling, burstSeconds },
      settings: { ...refilling, ...bucket(["requests", "inputTokens", "outputTokens"]) },
      ...bucketsOf(
        [
          { cost: () => 1, perMinute: refilling.requestsPerMinute },
          { cost: ({ inputTokens }) => inputTokens, perMinute: refilling.inputTokensPerMinute },
          { cost: ({ outputTokens }) => outputTokens, perMinute: refilling.outputTokensPerMinute },
        ],
        burstSeconds,
      ),
    },
    {
      name: "reserved",
      vendor: "openai",
      model: "gpt-5",
      pool: "openai.gpt-5",
      perSecond: 26,
      limits: { requestsPerMinute: 2_400, tokensPerMinute: 3_400_000, burstSeconds },
      settings: {
        requestsPerMinute: 2_400,
        tokensPerMinute: 3_400_000,
        ...bucket(["requests", "tokens"]),
        charge: { output: "reserved", refund: "none" },
      },
      ...tokens(reservedTokens, 3_400_000),
    },
    {
      name: "refunded",
      vendor: "openai",
      model: "gpt-5-mini",
      pool: "openai.gpt-5-mini",
      perSecond: 26.6,
      limits: { requestsPerMinute: 2_400, tokensPerMinute: 2_200_000, burstSeconds, refund: true },
      settings: {
        requestsPerMinute: 2_400,
        tokensPerMinute: 2_200_000,
        ...bucket(["requests", "tokens"]),
        charge: { input: "exact", output: "reserved", refund: "end" },
      },
      ...tokens(usedTokens, 2_200_000),
    },
    {
      name: "minute",
      vendor: "openai",
      model: "gpt-4o-mini",
      pool: "openai.gpt-4o-mini",
      perSecond: 10,
      limits: { requestsPerMinute: 1_200, requestsWindowMs: 1_000, tokensPerMinute: 1_300_000, tokensWindow: "minute" },
      settings: {
        requestsPerMinute: 1_200,
        tokensPerMinute: 1_300_000,
        modes: { requests: "second", tokens: "minute" },
        jitterMs,
        charge: { output: "reserved", refund: "none" },
      },
      lowerBound: (requests, startMs) => minuteBound(requests.map(reservedTokens), 1_300_000, 20, startMs),
    },
    {
      name: "second",
      vendor: "openai",
      model: "gpt-5.5",
      pool: "openai.gpt-5.5",
      perSecond: 17,
      limits: { requestsPerMinute: 1_200, requestsWindowMs: 1_000 },
      settings: { requestsPerMinute: 1_200, modes: { requests: "second" }, jitterMs },
      lowerBound: ({ length }, startMs) => windowBound(length / 20, 1_000, startMs),
      reachable: ({ length }) => (length - 1) / (20 * secondBound),
    },
  ];
}

/** A guarantee of no refusal on a hard limit per second cannot reach more than this, whatever the code. */
export const secondBound = (1 - 1 / 20) / (1 + jitterMs / 1_000);

const sum = (requests: readonly Length[], cost: (length: Length) => number): number =>
  requests.reduce((total, request) => total + cost(request), 0);

interface Meter {
  readonly cost: (length: Length) => number;
  readonly perMinute: number;
}

/** Buckets that are full at the start: what is more than a burst comes at its rate. */
function bucketsOf(meters: readonly Meter[], burstSeconds: number): Pick<QuotaShape, "lowerBound" | "reachable"> {
  const secondsOf = ({ cost, perMinute }: Meter, requests: readonly Length[]) => sum(requests, cost) / (perMinute / 60);
  return {
    lowerBound: (requests) => Math.max(0, ...meters.map((meter) => secondsOf(meter, requests) - burstSeconds)),
    reachable(requests) {
      let now = 0;
      const arrival = meters.map(() => 0);
      for (const request of requests) {
        const seconds = meters.map((meter) => secondsOf(meter, [request]));
        now = Math.max(now, ...seconds.map((each, at) => (arrival[at] ?? 0) + each - burstSeconds));
        for (const [at, each] of seconds.entries()) arrival[at] = Math.max(arrival[at] ?? 0, now) + each;
      }
      return now;
    },
  };
}

/** Windows of a clock: `fills` of them are needed, and all but the first begin at an edge. */
function windowBound(fills: number, lengthMs: number, startMs: number): number {
  const whole = Math.ceil(fills - 1e-9);
  if (whole <= 1) return 0;
  const toEdge = lengthMs - (startMs % lengthMs);
  return (toEdge + (whole - 2) * lengthMs) / 1_000;
}

/** The last minute cannot begin earlier, and the fewest requests that can be left for it take their seconds. */
function minuteBound(units: readonly number[], perMinute: number, perSecond: number, startMs: number): number {
  const fills = units.reduce((total, unit) => total + unit, 0) / perMinute;
  const left = (fills - Math.ceil(fills) + 1) * perMinute;
  let fewest = 0;
  let held = 0;
  for (const unit of [...units].sort((one, other) => other - one)) {
    if (held >= left) break;
    held += unit;
    fewest += 1;
  }
  const seconds = Math.ceil(fewest / perSecond) - 1;
  return Math.max(windowBound(fills, 60_000, startMs) + seconds, windowBound(units.length / perSecond, 1_000, startMs));
}

export function simulatorLimits(shapes: readonly QuotaShape[]): LimitSettings {
  const of = (vendor: QuotaShape["vendor"]) => ({
    classes: Object.fromEntries(
      shapes
        .filter((shape) => shape.vendor === vendor)
        .map((shape) => [shape.pool.split(".").slice(1).join("."), shape.limits]),
    ),
  });
  return { anthropic: of("anthropic"), openai: of("openai") };
}
