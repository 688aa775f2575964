/** What calls of a provider used since a moment: how a gate that lost a day's counter finds out where it stood. */
import type { Usage } from "../request/usage.ts";
import { firstIdOf } from "./first-id.ts";
import type { Ledger } from "./ledger.ts";

export interface CallsSince {
  /** `<provider>/<vendor model>`. */
  readonly deployment: string;
  readonly failureKind: string | undefined;
  readonly calls: number;
  /** Sums of what is known. */
  readonly usage: Usage;
}

/** By deployment and kind of failure. Reads the rows of the time by the index of their provider. */
export async function callsSince(ledger: Ledger, provider: string, since: Date): Promise<CallsSince[]> {
  const rows = await ledger.sql<
    { deployment: string; failure_kind: string | null; calls: number; input: number; output: number; cached: number }[]
  >`
    select deployment, failure_kind, count(*)::int as calls, coalesce(sum(input_tokens), 0)::float8 as input,
      coalesce(sum(output_tokens), 0)::float8 as output, coalesce(sum(cache_read_tokens), 0)::float8 as cached
    from attempts where provider = ${provider} and id >= ${firstIdOf(since.getTime())}::uuid
    group by deployment, failure_kind`;
  return rows.map((row) => ({
    deployment: row.deployment,
    failureKind: row.failure_kind ?? undefined,
    calls: row.calls,
    usage: { inputTokens: row.input, outputTokens: row.output, cacheReadTokens: row.cached },
  }));
}
