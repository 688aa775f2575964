/** Which shape of limit holds each dimension, as the settings say it. */
import type { Allowance, Metered, Shape } from "./allowance.ts";
import { createBucket } from "./bucket.ts";
import type { Limits } from "./options.ts";
import { createWindow } from "./window.ts";

/** The allowances of these limits; what is used under those before them stays used. */
export function allowancesOf(limits: Limits, before: readonly Allowance[], nowMs: number): readonly Allowance[] {
  return meteredDimensions.flatMap((dimension) => {
    const shape = shapes[dimension](limits);
    if (shape === undefined) return [];
    const old = before.find((allowance) => allowance.dimension === dimension);
    return old?.adopt(shape, nowMs) ? [old] : [allowanceOf(dimension, shape, old?.used(nowMs) ?? 0, nowMs)];
  });
}

const allowanceOf = (dimension: Metered, shape: Shape, used: number, nowMs: number): Allowance =>
  shape.kind === "bucket" ? createBucket(dimension, shape, used, nowMs) : createWindow(dimension, shape, used, nowMs);

const meteredDimensions = ["requests", "requestsPerDay", "inputTokens", "outputTokens", "tokens"] as const;

const shapes: Readonly<Record<Metered, (limits: Limits) => Shape | undefined>> = {
  requests: requestsShape,
  requestsPerDay: ({ requestsPerDay }) =>
    requestsPerDay === undefined
      ? undefined
      : { kind: "window", units: requestsPerDay, lengthMs: dayMs, phaseMs: 0, told: requestsPerDay },
  inputTokens: (limits) => tokensShape(limits.inputTokensPerMinute, limits),
  outputTokens: (limits) => tokensShape(limits.outputTokensPerMinute, limits),
  tokens: (limits) => tokensShape(limits.tokensPerMinute, limits),
};

const minuteMs = 60_000;
const dayMs = 86_400_000;

function requestsShape(limits: Limits): Shape | undefined {
  const { requestsPerMinute, requestsWindowMs, phaseMs = 0 } = limits;
  if (requestsPerMinute === undefined || requestsWindowMs === undefined) return bucketOf(requestsPerMinute, limits);
  const units = Math.max(1, Math.floor((requestsPerMinute * requestsWindowMs) / minuteMs));
  return { kind: "window", units, lengthMs: requestsWindowMs, phaseMs, told: requestsPerMinute };
}

function tokensShape(perMinute: number | undefined, limits: Limits): Shape | undefined {
  if (perMinute === undefined || limits.tokensWindow !== "minute") return bucketOf(perMinute, limits);
  return { kind: "window", units: perMinute, lengthMs: minuteMs, phaseMs: limits.phaseMs ?? 0, told: perMinute };
}

const bucketOf = (perMinute: number | undefined, { burstSeconds = 60 }: Limits): Shape | undefined =>
  perMinute === undefined ? undefined : { kind: "bucket", perMinute, burstSeconds };
