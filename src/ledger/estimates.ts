/** What calls of each deployment turned out to take, kept for the workers that start next and for operators. */
import type { Ledger } from "./ledger.ts";

export interface EstimateRow {
  /** `<provider>/<vendor model>`. */
  readonly deployment: string;
  /** The provider's input tokens ÷ our estimate. */
  readonly inputRatio: number;
  /** The 90th percentile of output tokens; undefined before the first answer. */
  readonly outputTokens: number | undefined;
}

export interface StoredEstimate extends EstimateRow {
  readonly provider: string;
  readonly updatedAt: Date;
}

/** The newest writer's word counts; its unknown output does not erase what was known. Each deployment once. */
export async function saveEstimates(ledger: Ledger, rows: readonly EstimateRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row) => ({
    deployment: row.deployment,
    input_ratio: row.inputRatio,
    output_tokens: row.outputTokens === undefined ? null : Math.round(row.outputTokens),
  }));
  await ledger.sql`
    insert into provider_estimates (deployment, provider, input_ratio, output_tokens)
    select deployment, split_part(deployment, '/', 1), input_ratio, output_tokens
    from json_to_recordset(${JSON.stringify(values)}::text::json)
      as r(deployment text, input_ratio double precision, output_tokens bigint)
    order by deployment
    on conflict (deployment) do update set input_ratio = excluded.input_ratio,
      output_tokens = coalesce(excluded.output_tokens, provider_estimates.output_tokens), updated_at = now()`;
}

export async function loadEstimates(ledger: Ledger): Promise<StoredEstimate[]> {
  const rows = await ledger.sql<(Omit<StoredEstimate, "outputTokens"> & { outputTokens: string | null })[]>`
    select deployment, provider, input_ratio as "inputRatio", output_tokens as "outputTokens", updated_at as "updatedAt"
    from provider_estimates order by deployment`;
  // bigint columns arrive as text.
  return rows.map((row) => ({
    ...row,
    outputTokens: row.outputTokens === null ? undefined : Number(row.outputTokens),
  }));
}
