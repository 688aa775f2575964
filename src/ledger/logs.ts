/** The newest attempts, by keyset on time-ordered ids: as fast with ten million rows as with ten. */
import type { Within } from "./read-by-index.ts";

export interface LogLine {
  readonly id: string;
  readonly requestId: string;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly failureKind: string | null;
  readonly failureMessage: string | null;
  readonly httpStatus: number | null;
  readonly durationMs: number;
  readonly firstTokenMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: string | null;
  readonly createdAt: Date;
}

export interface LogQuery {
  readonly limit: number;
  readonly provider?: string;
  readonly failedOnly?: boolean;
  /** Lines older than this id: the next page. */
  readonly before?: string;
}

export async function attemptLog(ledger: Within, query: LogQuery): Promise<LogLine[]> {
  const { sql } = ledger;
  return sql<LogLine[]>`
    select id, request_id as "requestId", provider, model, outcome, failure_kind as "failureKind",
      failure_message as "failureMessage", http_status as "httpStatus", duration_ms as "durationMs",
      first_token_ms as "firstTokenMs", input_tokens as "inputTokens", output_tokens as "outputTokens",
      cost_nano_usd::text as "costNanoUsd", created_at as "createdAt"
    from attempts where true
      ${query.provider === undefined ? sql`` : sql`and provider = ${query.provider}`}
      ${query.failedOnly === true ? sql`and outcome <> 'succeeded'` : sql``}
      ${query.before === undefined ? sql`` : sql`and id < ${query.before}::uuid`}
    order by id desc limit ${query.limit}`;
}
