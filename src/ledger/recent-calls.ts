/**
 * The calls that ended last, for whoever watches: from the newest rows by the transaction that wrote them, so looking costs the
 * same whatever there was before. Where more ended than are read, what is older than those is not known.
 */
import type { Within } from "./read-by-index.ts";
import { isUnpriced } from "./unpriced.ts";

/** What ended of one deployment within one slot. */
export interface SlotCalls {
  /** When the slot began, milliseconds since 1970; slots are whole multiples of `slotSeconds`. */
  readonly slotMs: number;
  readonly deployment: string;
  readonly calls: number;
  readonly failed: number;
  /** Sums of what is known. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: bigint;
  /** Calls whose cost is unknown and therefore missing from the sum. */
  readonly unpriced: number;
}

export interface RecentCalls {
  readonly slots: readonly SlotCalls[];
  /** Slots that began before were not read whole. */
  readonly coveredFromMs: number;
  readonly nowMs: number;
  /** Of the calls that succeeded in the last minute; undefined when none did. */
  readonly latency:
    | { readonly p50Ms: number; readonly p99Ms: number; readonly firstTokenP50Ms: number | undefined }
    | undefined;
}

export const slotSeconds = 5;
const historySeconds = 300;

/** To be asked within readByIndex. */
export async function recentCalls(ledger: Within, most: number): Promise<RecentCalls> {
  const [whole] = await wholeRow(ledger, most);
  const nowMs = whole?.now_ms ?? Date.now();
  const isCut = (whole?.rows ?? 0) >= most;
  const oldestMs = nowMs - historySeconds * 1_000;
  return {
    slots: (whole?.slots ?? []).map((row) => ({
      slotMs: row.slot * slotSeconds * 1_000,
      deployment: row.deployment,
      calls: row.calls,
      failed: row.failed,
      inputTokens: Number(row.input),
      outputTokens: Number(row.output),
      costNanoUsd: BigInt(row.cost),
      unpriced: row.unpriced,
    })),
    coveredFromMs: isCut ? Math.max(oldestMs, whole?.oldest_ms ?? nowMs) : oldestMs,
    nowMs,
    latency: latencyOf(whole),
  };
}

interface SlotRow {
  readonly slot: number;
  readonly deployment: string;
  readonly calls: number;
  readonly failed: number;
  readonly input: string;
  readonly output: string;
  readonly cost: string;
  readonly unpriced: number;
}

interface WholeRow {
  readonly slots: readonly SlotRow[] | null;
  readonly now_ms: number;
  readonly rows: number;
  readonly oldest_ms: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly first_token: number | null;
}

/** A call whose worker died has no end, so it is no call that ended. */
const wholeRow = (ledger: Within, most: number) =>
  ledger.sql<WholeRow[]>`
    with newest as materialized (
      select created_at, deployment, outcome, failure_kind, input_tokens, output_tokens, cost_nano_usd, duration_ms, first_token_ms
      from attempts order by xact desc limit ${most}
    ),
    ended as (
      select * from newest where outcome <> 'lost' and created_at > now() - ${historySeconds} * interval '1 second'
    ),
    slots as (
      select floor(extract(epoch from created_at) / ${slotSeconds}::int)::int as slot, deployment, count(*)::int as calls,
        count(*) filter (where outcome = 'failed')::int as failed, coalesce(sum(input_tokens), 0)::text as input,
        coalesce(sum(output_tokens), 0)::text as output, coalesce(sum(cost_nano_usd), 0)::text as cost,
        count(*) filter (where ${isUnpriced(ledger)})::int as unpriced
      from ended group by 1, 2
    ),
    minute as (select * from ended where outcome = 'succeeded' and created_at > now() - interval '1 minute')
    select (extract(epoch from now()) * 1000)::float8 as now_ms, (select count(*)::int from newest) as rows,
      (select json_agg(slots order by slot, deployment) from slots) as slots,
      (select (extract(epoch from min(created_at)) * 1000)::float8 from newest) as oldest_ms,
      (select percentile_disc(0.5) within group (order by duration_ms) from minute) as p50,
      (select percentile_disc(0.99) within group (order by duration_ms) from minute) as p99,
      (select percentile_disc(0.5) within group (order by first_token_ms) from minute) as first_token`;

function latencyOf(row: WholeRow | undefined): RecentCalls["latency"] {
  if (row === undefined || row.p50 === null || row.p99 === null) return undefined;
  return { p50Ms: row.p50, p99Ms: row.p99, firstTokenP50Ms: row.first_token ?? undefined };
}
