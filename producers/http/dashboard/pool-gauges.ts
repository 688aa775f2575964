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
  const gauges = [
    ...pool.quotas.map((quota) => ({ name: dimensionWords[quota.dimension], gauge: quotaGauge(quota, minute) })),
    { name: "calls at once", gauge: concurrencyGauge(pool) },
  ];
  return {
    pool: pool.pool,
    gauges: gauges.flatMap(({ gauge }) => gauge ?? []),
    unlimited: gauges.filter(({ gauge }) => gauge === undefined).map(({ name }) => name),
    notes: notesOf(pool),
  };
}

/** A burst of fewer units is full or empty with each call: then the minute says more. */
const smallRoom = 5;

function quotaGauge(quota: Quota, minute: MinuteUse | undefined): GaugeJson | undefined {
  const { dimension, limit, room, mostUsed, cold } = quota;
  if (limit === undefined || room === undefined) return undefined;
  const ofRoom = room >= smallRoom || quota.per === "day" ? mostUsed / room : undefined;
  const share = Math.min(1, ofRoom ?? (minute === undefined ? 0 : usedIn(quota, minute) / limit));
  const started = cold && ofRoom !== undefined && share > 0 ? ", started low" : "";
  return { name: dimensionWords[dimension], share, used: percent(share), of: `${limitOf(quota)}${started}` };
}

const percent = (share: number): string => (share > 0 && share < 0.01 ? "<1 %" : `${Math.floor(share * 100)} %`);

function usedIn({ dimension }: Quota, minute: MinuteUse): number {
  if (dimension === "inputTokens") return minute.inputTokens;
  if (dimension === "outputTokens") return minute.outputTokens;
  return dimension === "tokens" ? minute.inputTokens + minute.outputTokens : minute.requests;
}

const concurrencyGauge = ({ inFlight, concurrency }: PoolStatus): GaugeJson | undefined =>
  concurrency === undefined
    ? undefined
    : {
        name: "calls at once",
        share: Math.min(1, inFlight / Math.max(1, concurrency)),
        used: count(inFlight),
        of: count(concurrency),
      };

function notesOf({ pausedForMs, pace }: PoolStatus): string[] {
  const pause = pausedForMs > 0 ? [`paused by the provider for ${span(pausedForMs)}`] : [];
  const slow = pace < 1 ? [`slowed to ${Math.floor(pace * 100)} % after refusals without a reason`] : [];
  return [...pause, ...slow];
}
