/**
 * Statistics by provider and model. They are read from hourly roll-ups, so their cost does not follow the number of
 * attempts. One writer (the reconciler's leader) folds new attempts in; each attempt is folded exactly once: a row
 * carries the id of its transaction, and only rows of transactions older than every open one are read, up to a mark that
 * is moved in the same transaction.
 */
import type { Ledger } from "./ledger.ts";
import type { Within } from "./read-by-index.ts";
import { isUnpriced } from "./unpriced.ts";

/** What some calls came to, from the roll-up. */
export interface CallStats {
  readonly calls: number;
  readonly succeeded: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: bigint;
  /** Calls whose cost is unknown and therefore missing from the sum. */
  readonly unpriced: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ModelStats extends CallStats {
  readonly provider: string;
  readonly model: string;
  readonly meanMs: number;
  /** Mean time to first token of streamed calls; undefined when there were none. */
  readonly firstTokenMs: number | undefined;
}

const buckets = 88;
/** Quarter-octave buckets: the middle of bucket b is 2^(b/4) ms, so a percentile read from them is within 9 %. */
const bucketMs = (bucket: number): number => 2 ** (bucket / 4);

/** Folds in at most `limit` attempts. Returns how many; call again while it is `limit`. */
export async function rollUpAttempts(ledger: Ledger, limit = 50_000): Promise<number> {
  return ledger.sql.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(4915112102)`;
    const [mark] = await sql<{ value: string }[]>`select value from fleet_facts where name = 'rolled_up_to'`;
    const from = mark?.value ?? "0";
    const [span] = await sql<{ until: string | null }[]>`
      select (select max(xact) from (
        select xact from attempts where xact > ${from}::xid8 and xact < pg_snapshot_xmin(pg_current_snapshot())
        order by xact limit ${limit}) as next)::text as until`;
    const until = span?.until;
    if (until === null || until === undefined) return 0;
    const [folded] = await sql<{ count: number }[]>`
      with rows as (
        select date_trunc('hour', created_at) as hour, provider, model, outcome, failure_kind, input_tokens, output_tokens,
          cost_nano_usd, duration_ms, first_token_ms,
          least(${buckets - 1}, greatest(0, round(4 * log(2, greatest(duration_ms, 1)))))::int as bucket
        from attempts where xact > ${from}::xid8 and xact <= ${until}::xid8 and outcome <> 'lost'
      ),
      counted as (select hour, provider, model, bucket, count(*) as n from rows group by 1, 2, 3, 4),
      spread as (
        select hour, provider, model, array_agg(coalesce(c.n, 0) order by b.bucket) as durations
        from (select distinct hour, provider, model from counted) g
        cross join generate_series(0, ${buckets - 1}) as b(bucket)
        left join counted c using (hour, provider, model, bucket)
        group by 1, 2, 3
      ),
      summed as (
        select hour, provider, model, count(*) as calls, count(*) filter (where outcome = 'succeeded') as succeeded,
          coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(output_tokens), 0) as output_tokens,
          coalesce(sum(cost_nano_usd), 0) as cost_nano_usd,
          count(*) filter (where ${isUnpriced({ sql })}) as unpriced,
          sum(duration_ms) as duration_ms, coalesce(sum(first_token_ms), 0) as first_token_ms, count(first_token_ms) as first_tokens
        from rows group by 1, 2, 3
      ),
      written as (
        insert into attempt_stats as s (hour, provider, model, calls, succeeded, input_tokens, output_tokens, cost_nano_usd,
          unpriced, duration_ms, first_token_ms, first_tokens, duration_buckets)
        select hour, provider, model, calls, succeeded, input_tokens, output_tokens, cost_nano_usd, unpriced, duration_ms,
          first_token_ms, first_tokens, durations from summed join spread using (hour, provider, model)
        on conflict (hour, provider, model) do update set
          calls = s.calls + excluded.calls, succeeded = s.succeeded + excluded.succeeded,
          input_tokens = s.input_tokens + excluded.input_tokens, output_tokens = s.output_tokens + excluded.output_tokens,
          cost_nano_usd = s.cost_nano_usd + excluded.cost_nano_usd, unpriced = s.unpriced + excluded.unpriced,
          duration_ms = s.duration_ms + excluded.duration_ms, first_token_ms = s.first_token_ms + excluded.first_token_ms,
          first_tokens = s.first_tokens + excluded.first_tokens,
          duration_buckets = (select array_agg(a + b order by n)
            from unnest(s.duration_buckets, excluded.duration_buckets) with ordinality as t(a, b, n))
      )
      select count(*)::int as count from rows`;
    await sql`
      insert into fleet_facts (name, value) values ('rolled_up_to', ${until})
      on conflict (name) do update set value = excluded.value, set_at = now()`;
    return folded?.count ?? 0;
  });
}

export interface SumsRow {
  readonly calls: string;
  readonly succeeded: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_nano_usd: string;
  readonly unpriced: string;
  /** Calls by bucket of their duration. */
  readonly durations: readonly string[];
}

interface StatsRow extends SumsRow {
  readonly provider: string;
  readonly model: string;
  readonly duration_ms: string;
  readonly first_token_ms: string;
  readonly first_tokens: string;
}

/** Since the start of the hour that lies `hours` back; `since` says which. Lags behind by the reconciler's tick. */
export async function modelStats(ledger: Within, hours: number): Promise<{ since: Date; models: ModelStats[] }> {
  const rows = await ledger.sql<StatsRow[]>`
    with wanted as (
      select * from attempt_stats where hour >= date_trunc('hour', now() - ${hours} * interval '1 hour')
    ),
    spread as (
      select provider, model, array_agg(n order by bucket) as durations from (
        select provider, model, bucket, sum(n)::bigint as n
        from wanted, unnest(duration_buckets) with ordinality as d(n, bucket) group by 1, 2, 3) as b
      group by 1, 2
    )
    select provider, model, sum(calls) as calls, sum(succeeded) as succeeded, sum(input_tokens) as input_tokens,
      sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced,
      sum(duration_ms) as duration_ms, sum(first_token_ms) as first_token_ms, sum(first_tokens) as first_tokens,
      min(spread.durations) as durations
    from wanted join spread using (provider, model) group by provider, model order by calls desc`;
  const since = new Date(Math.floor((Date.now() - hours * 3_600_000) / 3_600_000) * 3_600_000);
  return { since, models: rows.map(statsOf) };
}

function statsOf(row: StatsRow): ModelStats {
  const sums = callStatsOf(row);
  const firstTokens = Number(row.first_tokens);
  return {
    provider: row.provider,
    model: row.model,
    ...sums,
    meanMs: sums.calls === 0 ? 0 : Number(row.duration_ms) / sums.calls,
    firstTokenMs: firstTokens === 0 ? undefined : Number(row.first_token_ms) / firstTokens,
  };
}

export function callStatsOf(row: SumsRow): CallStats {
  const durations = row.durations.map(Number);
  return {
    calls: Number(row.calls),
    succeeded: Number(row.succeeded),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costNanoUsd: BigInt(row.cost_nano_usd),
    unpriced: Number(row.unpriced),
    p50Ms: percentileMs(durations, 0.5),
    p99Ms: percentileMs(durations, 0.99),
  };
}

/** The duration below which `share` of the counted calls lie, from bucket counts. */
function percentileMs(durations: readonly number[], share: number): number {
  const total = durations.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of durations.entries()) {
    below += count;
    if (count > 0 && below >= total * share) return bucketMs(bucket);
  }
  return 0;
}
