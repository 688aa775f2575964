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
  /** Counted by the clock's minutes: needs several of them. */
  readonly needsMinutes: boolean;
  readonly limits: Readonly<Record<string, number | string | boolean>>;
  readonly settings: SettingsFile["pools"][string];
  /** Seconds from `startMs` before which nobody can have admitted all of these. */
  lowerBound(requests: readonly Length[], startMs: number): number;
}

/** Longest minus shortest way to the simulator, with its delays (below) and what two busy cores add. */
const jitterMs = 100;
export const arrivalDelayMs = { p50: 10, p99: 50 };

export function quotaShapes(burstSeconds: number): readonly QuotaShape[] {
  const tokensOf = (cost: (length: Length) => number, perMinute: number) => (requests: readonly Length[]) =>
    bucketBound(sum(requests, cost), perMinute, burstSeconds);
  const reservedTokens = ({ inputTokens }: Length) => inputTokens + maxOutputTokens;
  const usedTokens = ({ inputTokens, outputTokens }: Length) => inputTokens + outputTokens;
  const refilling = { requestsPerMinute: 2_400, inputTokensPerMinute: 2_000_000, outputTokensPerMinute: 400_000 };
  const inputBound = tokensOf(({ inputTokens }) => inputTokens, refilling.inputTokensPerMinute);
  const outputBound = tokensOf(({ outputTokens }) => outputTokens, refilling.outputTokensPerMinute);
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
      needsMinutes: false,
      limits: { ...refilling, burstSeconds },
      settings: { ...refilling, ...bucket(["requests", "inputTokens", "outputTokens"]) },
      lowerBound: (requests) =>
        Math.max(inputBound(requests), outputBound(requests), bucketBound(requests.length, 2_400, burstSeconds)),
    },
    {
      name: "reserved",
      vendor: "openai",
      model: "gpt-5",
      pool: "openai.gpt-5",
      perSecond: 26,
      needsMinutes: false,
      limits: { requestsPerMinute: 2_400, tokensPerMinute: 3_400_000, burstSeconds },
      settings: {
        requestsPerMinute: 2_400,
        tokensPerMinute: 3_400_000,
        ...bucket(["requests", "tokens"]),
        charge: { output: "reserved", refund: "none" },
      },
      lowerBound: tokensOf(reservedTokens, 3_400_000),
    },
    {
      name: "refunded",
      vendor: "openai",
      model: "gpt-5-mini",
      pool: "openai.gpt-5-mini",
      perSecond: 26.6,
      needsMinutes: false,
      limits: { requestsPerMinute: 2_400, tokensPerMinute: 2_200_000, burstSeconds, refund: true },
      settings: {
        requestsPerMinute: 2_400,
        tokensPerMinute: 2_200_000,
        ...bucket(["requests", "tokens"]),
        charge: { input: "exact", output: "reserved", refund: "end" },
      },
      lowerBound: tokensOf(usedTokens, 2_200_000),
    },
    {
      name: "minute",
      vendor: "openai",
      model: "gpt-4o-mini",
      pool: "openai.gpt-4o-mini",
      perSecond: 10,
      needsMinutes: true,
      limits: { requestsPerMinute: 1_200, requestsWindowMs: 1_000, tokensPerMinute: 1_300_000, tokensWindow: "minute" },
      settings: {
        requestsPerMinute: 1_200,
        tokensPerMinute: 1_300_000,
        modes: { requests: "second", tokens: "minute" },
        jitterMs,
        charge: { output: "reserved", refund: "none" },
      },
      lowerBound: (requests, startMs) =>
        Math.max(
          windowBound(sum(requests, reservedTokens) / 1_300_000, 60_000, startMs),
          windowBound(requests.length / 20, 1_000, startMs),
        ),
    },
    {
      name: "second",
      vendor: "openai",
      model: "gpt-5.5",
      pool: "openai.gpt-5.5",
      perSecond: 17,
      needsMinutes: false,
      limits: { requestsPerMinute: 1_200, requestsWindowMs: 1_000 },
      settings: { requestsPerMinute: 1_200, modes: { requests: "second" }, jitterMs },
      lowerBound: (requests, startMs) => windowBound(requests.length / 20, 1_000, startMs),
    },
  ];
}

/** A guarantee of no refusal on a hard limit per second cannot reach more than this, whatever the code. */
export const secondBound = (1 - 1 / 20) / (1 + jitterMs / 1_000);

const sum = (requests: readonly Length[], cost: (length: Length) => number): number =>
  requests.reduce((total, request) => total + cost(request), 0);

/** A bucket that is full at the start: what is more than a burst comes at its rate. */
const bucketBound = (units: number, perMinute: number, burstSeconds: number): number =>
  Math.max(0, units / (perMinute / 60) - burstSeconds);

/** Windows of a clock: `fills` of them are needed, and all but the first begin at an edge. */
function windowBound(fills: number, lengthMs: number, startMs: number): number {
  const whole = Math.ceil(fills - 1e-9);
  if (whole <= 1) return 0;
  const toEdge = lengthMs - (startMs % lengthMs);
  return (toEdge + (whole - 2) * lengthMs) / 1_000;
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
