/** Batches: a set of requests handed over together. Counts come from the rows themselves, never from counters. */
import type { ISql } from "postgres";
import { v7 as uuidv7 } from "uuid";
import { despiteDeadlocks } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";
import { isUnpriced } from "./unpriced.ts";
import { tellOfBatches, tellOfRequests } from "./webhook-outbox.ts";

export type BatchState = "accepting" | "running" | "completed" | "cancelling" | "cancelled" | "failed";

export interface BatchView {
  readonly id: string;
  readonly tenant: string;
  readonly state: BatchState;
  readonly source: string;
  readonly fingerprint: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
}

export interface BatchRow {
  readonly id: string;
  readonly tenant: string;
  readonly state: BatchState;
  readonly source: string;
  readonly fingerprint: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

export const batchView = (row: BatchRow): BatchView => ({
  id: row.id,
  tenant: row.tenant,
  state: row.state,
  source: row.source,
  fingerprint: row.fingerprint,
  options: row.options,
  total: row.total,
  createdAt: row.created_at,
  finishedAt: row.finished_at ?? undefined,
});

export interface NewBatch {
  readonly tenant: string;
  readonly source: string;
  readonly fingerprint: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly total: number;
}

/** The ledger, or one transaction of it. */
type Within = { readonly sql: ISql };

/** Opens a batch in `accepting`: its lines may come. */
export async function openBatch(ledger: Within, batch: NewBatch): Promise<BatchView> {
  const [row] = await ledger.sql<BatchRow[]>`
    insert into batches (id, tenant, state, source, fingerprint, options, total)
    values (${uuidv7()}, ${batch.tenant}, 'accepting', ${batch.source}, ${batch.fingerprint}, ${JSON.stringify(batch.options)}::text::jsonb, ${batch.total})
    returning *`;
  if (row === undefined) throw new Error("openBatch: insert returned no row");
  return batchView(row);
}

/**
 * The batch of this fingerprint, opened when there is none. Two that ask at the same moment, each in a transaction of its
 * own, get the same batch.
 */
export async function findOrOpenBatch(
  { sql }: Within,
  batch: NewBatch,
): Promise<{ readonly batch: BatchView; readonly fresh: boolean }> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${batch.tenant} || ' ' || ${batch.fingerprint}, 4915112103))`;
  const known = await batchByFingerprint({ sql }, batch.tenant, batch.fingerprint);
  if (known !== undefined) return { batch: known, fresh: false };
  return { batch: await openBatch({ sql }, batch), fresh: true };
}

/** accepting → running: all lines are in, and `total` says how many there are. False: the batch was not accepting. */
export async function sealBatch(ledger: Ledger, id: string): Promise<boolean> {
  const rows = await ledger.sql`
    update batches set state = 'running', total = (select count(*) from batch_lines where batch_id = ${id})
    where id = ${id} and state = 'accepting'`;
  return rows.count > 0;
}

/** The last line that is in, or 0. Lines come in their order, so everything before it is in as well. */
export async function lastLineOf(ledger: Ledger, id: string): Promise<number> {
  const [row] = await ledger.sql<{ last: number | null }[]>`
    select max(line_no) as last from batch_lines where batch_id = ${id}`;
  return row?.last ?? 0;
}

export async function batchById(ledger: Ledger, id: string): Promise<BatchView | undefined> {
  const [row] = await ledger.sql<BatchRow[]>`select * from batches where id = ${id}`;
  return row === undefined ? undefined : batchView(row);
}

/** The newest batch with this fingerprint that was not cancelled. */
export async function batchByFingerprint(
  ledger: Within,
  tenant: string,
  fingerprint: string,
): Promise<BatchView | undefined> {
  const [row] = await ledger.sql<BatchRow[]>`
    select * from batches where tenant = ${tenant} and fingerprint = ${fingerprint} and state not in ('cancelling', 'cancelled')
    order by id desc limit 1`;
  return row === undefined ? undefined : batchView(row);
}

export async function recentBatches(ledger: Ledger, tenant: string, limit: number): Promise<BatchView[]> {
  const rows = await ledger.sql<
    BatchRow[]
  >`select * from batches where tenant = ${tenant} order by id desc limit ${limit}`;
  return rows.map(batchView);
}

export interface BatchCounts {
  readonly accepted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly queued: number;
  readonly dispatched: number;
  readonly running: number;
  readonly waiting: number;
  readonly held: number;
}

export const batchCounts = async (ledger: Ledger, id: string): Promise<BatchCounts> =>
  (await countsOf(ledger, [id])).get(id) ?? countsIn([]);

/**
 * Counts by state, of one moment, of each of these batches. Open and bad rows are counted from their partial indexes; what
 * remains has succeeded.
 */
export async function countsOf(ledger: Ledger, ids: readonly string[]): Promise<ReadonlyMap<string, BatchCounts>> {
  if (ids.length === 0) return new Map();
  const rows = await ledger.sql<(StateCount & { id: string })[]>`
    select b.id, c.state, c.n from unnest(${[...ids]}::uuid[]) as b(id) cross join lateral (
      select 'accepted' as state, count(*)::int as n from batch_lines where batch_id = b.id
      union all
      select state, count(*)::int from requests
      where batch_id = b.id and state in ('queued', 'dispatched', 'running', 'waiting', 'held') group by state
      union all
      select state, count(*)::int from requests where batch_id = b.id and state in ('failed', 'cancelled') group by state
    ) c`;
  return new Map(ids.map((id) => [id, countsIn(rows.filter((row) => row.id === id))]));
}

interface StateCount {
  readonly state: string;
  readonly n: number;
}

function countsIn(states: readonly StateCount[]): BatchCounts {
  const of = (state: string) => states.find((row) => row.state === state)?.n ?? 0;
  const accepted = of("accepted");
  const others = states.reduce((sum, row) => sum + row.n, 0) - accepted;
  return {
    accepted,
    succeeded: accepted - others,
    failed: of("failed"),
    cancelled: of("cancelled"),
    queued: of("queued"),
    dispatched: of("dispatched"),
    running: of("running"),
    waiting: of("waiting"),
    held: of("held"),
  };
}

export interface BatchSpend {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: bigint;
  /** Calls whose cost is unknown: the sum lacks them. */
  readonly unpriced: number;
  /** From the last ten seconds, or the time since the first call. */
  readonly callsPerMinute: number;
  readonly tokensPerMinute: number;
}

export async function batchSpend(ledger: Ledger, id: string): Promise<BatchSpend> {
  const [row] = await ledger.sql<
    {
      calls: number;
      input: string;
      output: string;
      cost: string;
      unpriced: number;
      recent: number;
      recent_tokens: string;
      recent_seconds: number;
    }[]
  >`
    select count(*)::int as calls, coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output,
      coalesce(sum(cost_nano_usd), 0)::text as cost,
      count(*) filter (where ${isUnpriced(ledger)})::int as unpriced,
      count(*) filter (where created_at > now() - interval '10 seconds')::int as recent,
      coalesce(sum(input_tokens + output_tokens) filter (where created_at > now() - interval '10 seconds'), 0) as recent_tokens,
      greatest(1, least(10, coalesce(extract(epoch from now() - min(created_at)), 10)))::float8 as recent_seconds
    from attempts where batch_id = ${id}`;
  const perMinute = 60 / (row?.recent_seconds ?? 10);
  return {
    calls: row?.calls ?? 0,
    inputTokens: Number(row?.input ?? 0),
    outputTokens: Number(row?.output ?? 0),
    costNanoUsd: BigInt(row?.cost ?? "0"),
    unpriced: row?.unpriced ?? 0,
    callsPerMinute: (row?.recent ?? 0) * perMinute,
    tokensPerMinute: Number(row?.recent_tokens ?? 0) * perMinute,
  };
}

/** Cancels what has not finished; calls under way end at their next heartbeat. Finished lines keep their results. */
export async function cancelBatch(ledger: Ledger, id: string): Promise<number> {
  await beginCancelling(ledger, id);
  const cancelled = await cancelLines(ledger, id, "all");
  await finishBatches(ledger);
  return cancelled;
}

/** Told by a caller. Finished lines keep their answers, calls under way may finish. False: there is nothing to cancel. */
export async function beginCancelling({ sql }: Ledger, id: string): Promise<boolean> {
  const [row] = await sql<{ n: number }[]>`
    with cancelled as (
      update batches set state = 'cancelling' where id = ${id} and state in ('accepting', 'running') returning id
    ),
    noted as (
      update hosted_batches set cancelling_at = coalesce(cancelling_at, now()), look_after = null
      where batch_id in (select id from cancelled)
    )
    select count(*)::int as n from cancelled`;
  return (row?.n ?? 0) > 0;
}

/** `unstarted`: calls under way go on. */
export async function cancelLines({ sql }: Ledger, batchId: string, which: "unstarted" | "all"): Promise<number> {
  const states = ["queued", "dispatched", "waiting", "held", ...(which === "all" ? ["running"] : [])];
  const [row] = await despiteDeadlocks(
    () => sql<{ n: number }[]>`
      with moved as (
        update requests set state = 'cancelled', lease_token = null, lease_until = null, finished_at = now()
        where batch_id = ${batchId} and state in ('queued', 'dispatched', 'running', 'waiting', 'held')
          and state = any(${states}::text[])
        returning id, tenant, batch_id, state
      ),
      told as (${tellOfRequests(sql)})
      select count(*)::int as n from moved`,
  );
  return row?.n ?? 0;
}

/**
 * Failed lines of a batch get a new request each, with fresh attempts; the failed ones stay failed (terminal is terminal)
 * and leave the batch. Those whose prompt is no longer kept as it was stay as they are. Returns how many run again.
 */
export async function retryFailed(ledger: Ledger, id: string): Promise<number> {
  // One that was cancelled, or whose file was refused, does not come back to life by some of its lines.
  const [open] = await ledger.sql`
    select 1 from batches where id = ${id} and state in ('accepting', 'running', 'completed')`;
  if (open === undefined) return 0;
  let retried = 0;
  for (;;) {
    const failed = await ledger.sql<{ id: string }[]>`
      select id from requests where batch_id = ${id} and state = 'failed' and exists (
        select 1 from payloads p where p.request_id = requests.id and p.kind = 'body' and not p.masked)
      order by id limit 1000`;
    if (failed.length === 0) break;
    const rows = await ledger.sql`
      with again as (
        select * from unnest(${failed.map((row) => row.id)}::uuid[], ${failed.map(() => uuidv7())}::uuid[]) as a(old_id, new_id)
      ),
      left_behind as (
        update requests r set batch_id = null from again where r.id = again.old_id and r.batch_id = ${id} and r.state = 'failed'
        returning again.old_id, again.new_id, r.tenant, r.model, r.priority, r.est_input_tokens, r.est_output_tokens, r.traceparent
      ),
      bodies as (
        insert into payloads (request_id, kind, content)
        select l.new_id, 'body', p.content from left_behind l join payloads p on p.request_id = l.old_id and p.kind = 'body'
      ),
      lines as (update batch_lines b set request_id = l.new_id from left_behind l where b.request_id = l.old_id)
      insert into requests (id, tenant, batch_id, model, deployment, lane, priority, state, est_input_tokens, est_output_tokens, traceparent)
      select l.new_id, l.tenant, ${id}, l.model, coalesce(r.passed_over -> 0 ->> 'deployment', r.deployment),
        coalesce(r.passed_over -> 0 ->> 'lane', r.lane), l.priority, 'queued', l.est_input_tokens, l.est_output_tokens, l.traceparent
      from left_behind l join requests r on r.id = l.old_id`;
    retried += rows.count;
  }
  if (retried > 0) {
    await ledger.sql`update batches set state = 'running', finished_at = null where id = ${id} and state = 'completed'`;
    // Its answers are written into new files when it has ended again; whoever writes the old ones has lost it.
    await ledger.sql`
      update hosted_batches set settled_at = null, outcome = null, summary = null, finalizing_at = null,
        output_file_id = null, error_file_id = null, lease_token = null, lease_until = null where batch_id = ${id}`;
  }
  return retried;
}

/** Of hosted ones the end is told when their files are written. Batches without open requests end: running → completed, cancelling → cancelled. */
export async function finishBatches(ledger: Ledger): Promise<number> {
  const { sql } = ledger;
  const rows = await sql`
    with ended as (
      update batches b set state = case b.state when 'running' then 'completed' else 'cancelled' end, finished_at = now()
      where b.finished_at is null and b.state in ('running', 'cancelling') and not exists (
        select 1 from requests r where r.batch_id = b.id and r.state in ('queued', 'dispatched', 'running', 'waiting', 'held'))
      returning b.id, b.tenant, b.state, gen_random_uuid() as event_id
    ),
    moved as (select * from ended where id not in (select batch_id from hosted_batches)),
    told as (${tellOfBatches(sql)})
    select id from ended`;
  return rows.count;
}
