/** What the ledger says to one look: every query is bounded and has its index, and they come one after the other, so that a look holds up nobody. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import {
  type BatchHead,
  type BatchStanding,
  batchStandings,
  endedBatches,
  openBatches,
} from "../../../src/ledger/batch-standing.ts";
import { type CircuitEvent, newestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { type HourStats, hourlyStats } from "../../../src/ledger/hourly-stats.ts";
import { type LaneCensus, laneCensus } from "../../../src/ledger/lane-census.ts";
import { attemptLog, type LogLine } from "../../../src/ledger/logs.ts";
import { openInFleet } from "../../../src/ledger/open-counts.ts";
import { type RecentCalls, recentCalls } from "../../../src/ledger/recent-calls.ts";
import { type ModelStats, modelStats } from "../../../src/ledger/stats.ts";
import { lanePauses, type SwitchedOff } from "../../../src/ledger/toggles.ts";

export interface LedgerFacts {
  readonly census: readonly LaneCensus[];
  readonly pauses: readonly SwitchedOff[];
  readonly inFleet: Awaited<ReturnType<typeof openInFleet>>;
  readonly recent: RecentCalls;
  readonly events: readonly CircuitEvent[];
  readonly batches: readonly (BatchHead & BatchStanding)[];
  readonly failures: readonly LogLine[];
  readonly hours: readonly HourStats[];
  readonly models: readonly ModelStats[];
}

/** Counts of a lane stop here; less than gauges and commands do, for a look comes every two seconds. */
export const mostInLane = 20_000;
export const mostEvents = 200;
export const hoursBack = 24;
const most = { openBatches: 6, endedBatches: 4, failures: 12 } as const;
/** What changes slowly is not read with every look. */
const slowMs = 10_000;

export function openLedgerFacts({ ledger, config }: Fleet): () => Promise<LedgerFacts> {
  const lanes = [...config.catalog.pools.keys()];
  const slowly = lately(slowMs, async () => ({
    hours: await hourlyStats(ledger, hoursBack),
    models: (await modelStats(ledger, hoursBack)).models,
    ended: await withStanding(ledger, await endedBatches(ledger, most.endedBatches)),
  }));
  return async () => {
    const census = await laneCensus(ledger, lanes, mostInLane);
    const pauses = await lanePauses(ledger);
    const inFleet = await openInFleet(ledger);
    const recent = await recentCalls(ledger);
    const events = await newestCircuitEvents(ledger, { limit: mostEvents });
    const open = await withStanding(ledger, await openBatches(ledger, most.openBatches));
    const failures = await attemptLog(ledger, { limit: most.failures, failedOnly: true });
    const { ended, hours, models } = await slowly();
    // One that has just ended may still be open to the slower question.
    const batches = [...open, ...ended.filter(({ id }) => !open.some((batch) => batch.id === id))];
    return { census, pauses, inFleet, recent, events, batches, failures, hours, models };
  };
}

async function withStanding(
  ledger: Fleet["ledger"],
  heads: readonly BatchHead[],
): Promise<readonly (BatchHead & BatchStanding)[]> {
  const standings = await batchStandings(ledger, heads);
  return heads.flatMap((head, at) => {
    const standing = standings[at];
    return standing === undefined ? [] : [{ ...head, ...standing }];
  });
}

/** The last answer while it is younger than `forMs`. */
export function lately<Value>(forMs: number, read: () => Promise<Value>): () => Promise<Value> {
  let known: { readonly value: Value; readonly atMs: number } | undefined;
  return async () => {
    if (known === undefined || performance.now() - known.atMs >= forMs)
      known = { value: await read(), atMs: performance.now() };
    return known.value;
  };
}
