/** All calls by the hour, from the roll-up: what it costs to ask follows the hours and the models, not the calls. */
import type { Within } from "./read-by-index.ts";
import { percentileMs } from "./stats.ts";

export interface HourStats {
  readonly hour: Date;
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

interface Row {
  readonly hour: Date;
  readonly calls: string;
  readonly succeeded: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_nano_usd: string;
  readonly unpriced: string;
  readonly durations: readonly string[];
}

/** The present hour and those before it, `hours` in all; an hour without a call has no entry. Lags behind by the reconciler's tick. */
export async function hourlyStats(ledger: Within, hours: number): Promise<HourStats[]> {
  const rows = await ledger.sql<Row[]>`
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
  return rows.map((row) => ({
    hour: row.hour,
    calls: Number(row.calls),
    succeeded: Number(row.succeeded),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costNanoUsd: BigInt(row.cost_nano_usd),
    unpriced: Number(row.unpriced),
    p50Ms: percentileMs(row.durations.map(Number), 0.5),
    p99Ms: percentileMs(row.durations.map(Number), 0.99),
  }));
}
