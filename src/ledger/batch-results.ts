/** The lines of a batch with their ends, in input order, a page at a time: nothing is ever held whole. */
import type { RequestState } from "../request/lifecycle.ts";
import { type Result, resultSchema } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";
import type { LineShape } from "./accept.ts";
import type { PassedOver } from "./claim.ts";
import type { Ledger } from "./ledger.ts";
import { isUnpriced } from "./unpriced.ts";
import { usageColumn, usageIn } from "./usage-columns.ts";

export interface BatchLine {
  readonly lineNo: number;
  readonly customId: string;
  readonly shape: LineShape;
  readonly requestId: string;
  readonly model: string;
  readonly state: RequestState;
  readonly attempts: number;
  readonly passedOver: readonly PassedOver[];
  readonly failure:
    | { readonly kind: string; readonly message: string; readonly status: number | undefined }
    | undefined;
  /** With a failure of kind `schema`: what the model said instead. */
  readonly rejected: string | undefined;
  readonly result: Result | undefined;
  readonly finishedAt: Date | undefined;
  /** Of the attempt that succeeded. */
  readonly usage: Usage;
  /** Of all calls; undefined as soon as that of one call which may have cost something is unknown. */
  readonly costNanoUsd: bigint | undefined;
}

interface Row {
  readonly line_no: number;
  readonly custom_id: string;
  readonly shape: LineShape;
  readonly request_id: string;
  readonly model: string;
  readonly state: RequestState;
  readonly attempt: number;
  readonly passed_over: readonly PassedOver[];
  readonly failure_kind: string | null;
  readonly failure_message: string | null;
  readonly finished_at: Date | null;
  readonly result: unknown;
  readonly rejected: unknown;
  readonly http_status: number | null;
  readonly usage: unknown;
  readonly cost: string | null;
}

export interface LinesQuery {
  readonly afterLine: number;
  readonly limit: number;
  readonly only?: "failed" | "succeeded" | "finished";
}

export async function batchLines(ledger: Ledger, batchId: string, query: LinesQuery): Promise<BatchLine[]> {
  const { sql } = ledger;
  const wanted =
    query.only === "failed" || query.only === "succeeded"
      ? sql`and r.state = ${query.only}`
      : query.only === "finished"
        ? sql`and r.state in ('succeeded', 'failed', 'cancelled')`
        : sql``;
  const rows = await sql<Row[]>`
    select l.line_no, l.custom_id, l.shape, l.request_id, r.model, r.state, r.attempt, r.passed_over, r.failure_kind,
      r.failure_message, r.finished_at, p.content as result, j.content as rejected, a.http_status, a.usage, a.cost
    from batch_lines l
    join requests r on r.id = l.request_id
    left join payloads p on p.request_id = l.request_id and p.kind = 'result' and r.state = 'succeeded'
    left join payloads j on j.request_id = l.request_id and j.kind = 'rejected' and r.failure_kind = 'schema'
    left join lateral (
      select (array_agg(http_status order by id desc) filter (where outcome = 'failed' and failure_kind = r.failure_kind))[1] as http_status,
        (array_agg(${usageColumn(ledger)} order by id desc) filter (where outcome = 'succeeded'))[1] as usage,
        case when bool_or(${isUnpriced(ledger)})
          then null else sum(cost_nano_usd)::text end as cost
      from attempts where request_id = l.request_id
    ) a on true
    where l.batch_id = ${batchId} and l.line_no > ${query.afterLine} ${wanted}
    order by l.line_no limit ${query.limit}`;
  const lines = rows.map(lineOf);
  // What a query of postgres.js answered hangs on it until a full collection of garbage (renewed-client.ts).
  rows.length = 0;
  return lines;
}

const lineOf = (row: Row): BatchLine => ({
  lineNo: row.line_no,
  customId: row.custom_id,
  shape: row.shape,
  requestId: row.request_id,
  model: row.model,
  state: row.state,
  attempts: row.attempt,
  passedOver: row.passed_over,
  failure:
    row.failure_kind === null || row.state === "succeeded"
      ? undefined
      : { kind: row.failure_kind, message: row.failure_message ?? "", status: row.http_status ?? undefined },
  result: row.result === null || row.result === undefined ? undefined : resultSchema.parse(row.result),
  rejected: typeof row.rejected === "string" ? row.rejected : undefined,
  finishedAt: row.finished_at ?? undefined,
  usage: usageIn(row.usage),
  costNanoUsd: row.cost === null ? undefined : BigInt(row.cost),
});

/** What became of every line, counted one by one: a success is one whose result is there. */
export interface BatchAudit {
  readonly accepted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Of several deployments, those that were given up on the way, over all lines. */
  readonly fallbacks: number;
  /** Lines with at least one call. */
  readonly called: number;
}

export async function batchAudit(ledger: Ledger, batchId: string): Promise<BatchAudit> {
  const [row] = await ledger.sql<BatchAudit[]>`
    select count(*)::int as accepted,
      count(*) filter (where r.state = 'succeeded' and p.request_id is not null)::int as succeeded,
      count(*) filter (where r.state = 'failed')::int as failed,
      count(*) filter (where r.state = 'cancelled')::int as cancelled,
      coalesce(sum(jsonb_array_length(r.passed_over)), 0)::int as fallbacks,
      count(*) filter (where exists (select 1 from attempts a where a.request_id = l.request_id))::int as called
    from batch_lines l
    left join requests r on r.id = l.request_id
    left join payloads p on p.request_id = l.request_id and p.kind = 'result'
    where l.batch_id = ${batchId}`;
  return row ?? { accepted: 0, succeeded: 0, failed: 0, cancelled: 0, fallbacks: 0, called: 0 };
}

export interface ProviderCalls {
  readonly provider: string;
  readonly calls: number;
  readonly succeeded: number;
  /** Of the calls that succeeded, in milliseconds; undefined when none did. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** The calls of one batch by provider, with exact percentiles. */
export async function batchCallsByProvider(ledger: Ledger, batchId: string): Promise<ProviderCalls[]> {
  const rows = await ledger.sql<
    { provider: string; calls: number; succeeded: number; p50: number | null; p99: number | null }[]
  >`
    select provider, count(*)::int as calls, count(*) filter (where outcome = 'succeeded')::int as succeeded,
      percentile_cont(0.5) within group (order by duration_ms) filter (where outcome = 'succeeded') as p50,
      percentile_cont(0.99) within group (order by duration_ms) filter (where outcome = 'succeeded') as p99
    from attempts where batch_id = ${batchId} group by provider order by provider`;
  return rows.map(({ p50, p99, ...row }) => ({ ...row, p50Ms: p50 ?? undefined, p99Ms: p99 ?? undefined }));
}
