/** Calls over time: the last minute, the last five in slots, the last day in hours, by model. Pure. */
import type { HourStats } from "../../../src/ledger/hourly-stats.ts";
import type { LogLine } from "../../../src/ledger/logs.ts";
import { type RecentCalls, type SlotCalls, slotSeconds } from "../../../src/ledger/recent-calls.ts";
import type { ModelStats } from "../../../src/ledger/stats.ts";
import { spendInShort } from "../../cli/amounts.ts";
import type { FailureJson, HourJson, MinuteJson, ModelJson, SlotsJson } from "./look-json.ts";
import type { MinuteUse } from "./pool-gauges.ts";

const slotMs = slotSeconds * 1_000;
const minuteMs = 60_000;

export interface LastMinute {
  readonly slots: readonly SlotCalls[];
  /** Where fewer than sixty seconds could be read: what makes a minute of them. */
  readonly scale: number;
}

export function lastMinuteOf({ slots, coveredFromMs, nowMs }: RecentCalls): LastMinute {
  const fromMs = Math.max(nowMs - minuteMs, coveredFromMs);
  const seen = slots.filter((slot) => slot.slotMs + slotMs > fromMs);
  return { slots: seen, scale: minuteMs / Math.max(1_000, nowMs - fromMs) };
}

export function minuteJson(recent: RecentCalls): MinuteJson {
  const { slots, scale } = lastMinuteOf(recent);
  const sum = (of: (slot: SlotCalls) => number) =>
    Math.round(slots.reduce((total, slot) => total + of(slot), 0) * scale);
  const cost = slots.reduce((total, { costNanoUsd }) => total + costNanoUsd, 0n);
  return {
    calls: sum(({ calls }) => calls),
    failed: sum(({ failed }) => failed),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    cost: spendInShort(
      scale > 1.01 ? (cost * BigInt(Math.round(scale * 1_000))) / 1_000n : cost,
      sum(({ unpriced }) => unpriced),
    ),
    p50Ms: recent.latency?.p50Ms ?? null,
    p99Ms: recent.latency?.p99Ms ?? null,
    firstTokenP50Ms: recent.latency?.firstTokenP50Ms ?? null,
  };
}

/** By pool; calls of deployments that no pool has are left out. */
export function minuteUses(
  recent: RecentCalls,
  poolOf: (deployment: string) => string | undefined,
): ReadonlyMap<string, MinuteUse> {
  const { slots, scale } = lastMinuteOf(recent);
  const uses = new Map<string, MinuteUse>();
  for (const slot of slots) {
    const pool = poolOf(slot.deployment);
    if (pool === undefined) continue;
    const before = uses.get(pool) ?? { requests: 0, inputTokens: 0, outputTokens: 0 };
    uses.set(pool, {
      requests: before.requests + slot.calls * scale,
      inputTokens: before.inputTokens + slot.inputTokens * scale,
      outputTokens: before.outputTokens + slot.outputTokens * scale,
    });
  }
  return uses;
}

export function slotsJson({ slots, coveredFromMs, nowMs }: RecentCalls): SlotsJson {
  const fromMs = Math.ceil(coveredFromMs / slotMs) * slotMs;
  const byTime = new Map<number, { calls: number; failed: number }>();
  for (const slot of slots.filter((one) => one.slotMs >= fromMs)) {
    const before = byTime.get(slot.slotMs) ?? { calls: 0, failed: 0 };
    byTime.set(slot.slotMs, { calls: before.calls + slot.calls, failed: before.failed + slot.failed });
  }
  return {
    seconds: slotSeconds,
    fromMs,
    untilMs: nowMs,
    slots: [...byTime].map(([atMs, sums]) => ({ atMs, ...sums })),
  };
}

export const hourJson = (hour: HourStats): HourJson => ({
  atMs: hour.hour.getTime(),
  calls: hour.calls,
  failed: hour.calls - hour.succeeded,
  inputTokens: hour.inputTokens,
  outputTokens: hour.outputTokens,
  costNanoUsd: hour.costNanoUsd.toString(),
  cost: spendInShort(hour.costNanoUsd, hour.unpriced),
  p50Ms: hour.p50Ms,
  p99Ms: hour.p99Ms,
});

export const dayCost = (hours: readonly HourStats[]): string =>
  spendInShort(
    hours.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n),
    hours.reduce((sum, { unpriced }) => sum + unpriced, 0),
  );

export const modelJson = (stats: ModelStats): ModelJson => ({
  provider: stats.provider,
  model: stats.model,
  calls: stats.calls,
  succeeded: stats.succeeded,
  inputTokens: stats.inputTokens,
  outputTokens: stats.outputTokens,
  cost: spendInShort(stats.costNanoUsd, stats.unpriced),
  p50Ms: stats.p50Ms,
  p99Ms: stats.p99Ms,
  firstTokenMs: stats.firstTokenMs ?? null,
});

export const failureJson = (line: LogLine, nowMs: number): FailureJson => ({
  id: line.id,
  requestId: line.requestId,
  agoMs: Math.max(0, nowMs - line.createdAt.getTime()),
  provider: line.provider,
  model: line.model,
  outcome: line.outcome,
  kind: line.failureKind,
  message: line.failureMessage,
  httpStatus: line.httpStatus,
  durationMs: line.durationMs,
});
