/** All calls by the hour, from the roll-up: what it costs to ask follows the hours and the models, not the calls. */
import type { Within } from "./read-by-index.ts";
import { type CallStats, callStatsOf, type SumsRow } from "./stats.ts";

export interface HourStats extends CallStats {
  readonly hour: Date;
}

/** The present hour and those before it, `hours` in all; an hour without a call has no entry. Lags behind by the reconciler's tick. */
export async function hourlyStats(ledger: Within, hours: number): Promise<HourStats[]> {
  const rows = await ledger.sql<(SumsRow & { readonly hour: Date })[]>`
    with wanted as (
      select * from attempt_stats where hour > date_trunc('hour', now()) - ${hours} * interval '1 hour'
    ),
    spread as (
      select hour, array_agg(n order by bucket) as durations from (
        select hour, bucket, sum(n)::bigint as n
        from wanted, unnest(duration_buckets) with ordinality as d(n, bucket) group by 1, 2) as b
      group by 1
    )
    select hour, sum(calls) as calls, sum(succeeded) as succeeded, sum(input_tokens) as input_tokens,
      sum(output_tokens) as output_tokens, sum(cost_nano_usd) as cost_nano_usd, sum(unpriced) as unpriced,
      min(spread.durations) as durations
    from wanted join spread using (hour) group by hour order by hour`;
  return rows.map((row) => ({ hour: row.hour, ...callStatsOf(row) }));
}
