/** What the ledger says to one look: bounded queries on one connection, one after the other, so that a look holds up nobody. */
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
import { type LaneCensus, laneCensusWithin } from "../../../src/ledger/lane-census.ts";
import { attemptLog, type LogLine } from "../../../src/ledger/logs.ts";
import { openInFleet } from "../../../src/ledger/open-counts.ts";
import { readByIndex, type Within } from "../../../src/ledger/read-by-index.ts";
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

/** Where reading stops. Counts are shorter than what gauges and commands do, for a look comes every two seconds. */
export const readAtMost = {
  inLane: 20_000,
  inBatch: 5_000,
  calls: 10_000,
  events: 200,
  openBatches: 6,
  endedBatches: 4,
  failures: 12,
} as const;
export type ReadAtMost = Readonly<Record<keyof typeof readAtMost, number>>;

export const hoursBack = 24;
/** No statement of a look takes longer. */
const silentMs = 4_000;
/** What changes slowly is not read with every look. */
const slowMs = 5_000;

/** Rejects when the ledger is away. */
export function openLedgerFacts(
  { ledger, config }: Pick<Fleet, "ledger" | "config">,
  most: ReadAtMost = readAtMost,
): () => Promise<LedgerFacts> {
  const lanes = [...config.catalog.pools.keys()];
  const slowly = lately(slowMs, async (within: Within) => ({
    hours: await hourlyStats(within, hoursBack),
    // Counts the present hour besides.
    models: (await modelStats(within, hoursBack - 1)).models,
    ended: await withStanding(within, await endedBatches(within, most.endedBatches), most),
  }));
  const read = async (within: Within): Promise<LedgerFacts> => {
    const census = await laneCensusWithin(within, lanes, most.inLane);
    const pauses = await lanePauses(within);
    const inFleet = await openInFleet(within);
    const recent = await recentCalls(within, most.calls);
    const events = await newestCircuitEvents(within, { limit: most.events });
    const open = await withStanding(within, await openBatches(within, most.openBatches), most);
    const failures = await attemptLog(within, { limit: most.failures, failedOnly: true });
    const { ended, hours, models } = await slowly(within);
    // One that was retried is open again before the slower question is asked anew.
    const batches = [...open, ...ended.filter(({ id }) => !open.some((batch) => batch.id === id))];
    return { census, pauses, inFleet, recent, events, batches, failures, hours, models };
  };
  return () => readByIndex(ledger, read, silentMs);
}

async function withStanding(
  within: Within,
  heads: readonly BatchHead[],
  most: ReadAtMost,
): Promise<readonly (BatchHead & BatchStanding)[]> {
  const standings = await batchStandings(within, heads, most.inBatch);
  return heads.flatMap((head, at) => {
    const standing = standings[at];
    return standing === undefined ? [] : [{ ...head, ...standing }];
  });
}

/** The last answer while it is younger than `forMs`. */
function lately<Asked, Value>(forMs: number, read: (asked: Asked) => Promise<Value>): (asked: Asked) => Promise<Value> {
  let known: { readonly value: Value; readonly atMs: number } | undefined;
  return async (asked) => {
    if (known === undefined || performance.now() - known.atMs >= forMs)
      known = { value: await read(asked), atMs: performance.now() };
    return known.value;
  };
}
