/** The gauges of one pool: how much of each of its limits is used. Pure. */
import type { PoolStatus, Quota } from "../../../src/admission/pool-status.ts";
import { count, span } from "../../cli/amounts.ts";
import { dimensionWords, limitOf } from "./hold.ts";
import type { GaugeJson, PoolJson } from "./look-json.ts";

/** What the calls of the last minute took of a pool; undefined is unknown. */
export interface MinuteUse {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export function poolJson(pool: PoolStatus, minute: MinuteUse | undefined): PoolJson {
  return {
    pool: pool.pool,
    gauges: [...pool.quotas.map((quota) => quotaGauge(quota, minute)), concurrencyGauge(pool)],
    notes: notesOf(pool),
  };
}

/** A burst of fewer units is full or empty with each call: then the minute says more. */
const smallRoom = 5;

function quotaGauge(quota: Quota, minute: MinuteUse | undefined): GaugeJson {
  const { limit, room, mostUsed } = quota;
  const share =
    limit === undefined || room === undefined
      ? undefined
      : room >= smallRoom || quota.per === "day"
        ? mostUsed / room
        : minute && usedIn(quota, minute) / limit;
  const cold = quota.cold && share !== undefined && share > 0 ? ", started low" : "";
  return {
    name: dimensionWords[quota.dimension],
    share: share === undefined ? null : Math.min(1, share),
    of: limit === undefined ? "no limit known" : `${limitOf(quota)}${cold}`,
  };
}

function usedIn({ dimension }: Quota, minute: MinuteUse): number {
  if (dimension === "inputTokens") return minute.inputTokens;
  if (dimension === "outputTokens") return minute.outputTokens;
  return dimension === "tokens" ? minute.inputTokens + minute.outputTokens : minute.requests;
}

const concurrencyGauge = ({ inFlight, concurrency }: PoolStatus): GaugeJson => ({
  name: "calls at once",
  share: concurrency === undefined ? null : Math.min(1, inFlight / Math.max(1, concurrency)),
  of: concurrency === undefined ? `${count(inFlight)}, no limit known` : `${count(inFlight)} of ${count(concurrency)}`,
});

function notesOf({ pausedForMs, pace }: PoolStatus): string[] {
  const pause = pausedForMs > 0 ? [`paused by the provider for ${span(pausedForMs)}`] : [];
  const slow = pace < 1 ? [`slowed to ${Math.floor(pace * 100)} % after refusals without a reason`] : [];
  return [...pause, ...slow];
}
