/** The feeder's view of the backlog: heads of tenants, due rows, and the move into a lane. All bounded queries. */
import type { PriorityNumber } from "../request/priority.ts";
import { despiteDeadlocks } from "./contention.ts";
import type { Ledger } from "./ledger.ts";

export interface BacklogRow {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  readonly model: string;
  readonly batchId: string | undefined;
  readonly estTokens: number;
  readonly waitedMs: number;
}

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  readonly model: string;
  readonly batch_id: string | null;
  readonly est_tokens: number;
  readonly waited_ms: number;
}

/**
 * The oldest `perTenant` queued rows of every (class, tenant) of a lane, for the named classes. Walks the index from tenant to tenant, so its cost
 * follows the number of tenants, not of rows. At most `tenantLimit` tenants a class.
 */
export async function backlogHeads(
  ledger: Ledger,
  lane: string,
  classes: readonly PriorityNumber[],
  perTenant: number,
  tenantLimit = 200,
): Promise<BacklogRow[]> {
  const rows = await ledger.sql<Row[]>`
    with recursive
    classes as (select priority::smallint from unnest(${classes as number[]}::int[]) as priority),
    heads as (
      select c.priority, (select min(tenant) from requests where lane = ${lane} and priority = c.priority and state = 'queued') as tenant, 1 as n
      from classes c
      union all
      select h.priority, (select min(tenant) from requests
        where lane = ${lane} and priority = h.priority and tenant > h.tenant and state = 'queued'), h.n + 1
      from heads h where h.tenant is not null and h.n < ${tenantLimit}
    )
    select r.* from heads h, lateral (
      select id, tenant, priority, model, batch_id, est_input_tokens + est_output_tokens as est_tokens,
        (extract(epoch from now() - created_at) * 1000)::float8 as waited_ms
      from requests where lane = ${lane} and priority = h.priority and tenant = h.tenant and state = 'queued'
      order by id limit ${perTenant}
    ) r where h.tenant is not null`;
  return rows.map((row) => ({
    id: row.id,
    tenant: row.tenant,
    priority: row.priority,
    model: row.model,
    batchId: row.batch_id ?? undefined,
    estTokens: row.est_tokens,
    waitedMs: row.waited_ms,
  }));
}

export interface DispatchedRow {
  readonly id: string;
  readonly dispatchNo: number;
  readonly tenant: string;
  readonly model: string;
  readonly batchId: string | undefined;
  readonly traceparent: string | undefined;
}

/** queued → dispatched for those that still are queued, with a new dispatch number. Committed before any job is added. */
export async function markDispatched(ledger: Ledger, ids: readonly string[], epoch: string): Promise<DispatchedRow[]> {
  if (ids.length === 0) return [];
  const rows = await despiteDeadlocks(
    () => ledger.sql<
      {
        id: string;
        dispatch_no: number;
        tenant: string;
        model: string;
        batch_id: string | null;
        traceparent: string | null;
      }[]
    >`
    update requests set state = 'dispatched', dispatch_no = dispatch_no + 1, dispatched_at = now(), dispatch_epoch = ${epoch}
    where id = any(${ids as string[]}::uuid[]) and state || '' = 'queued'
    returning id, dispatch_no, tenant, model, batch_id, traceparent`,
  );
  return rows.map((row) => ({
    id: row.id,
    dispatchNo: row.dispatch_no,
    tenant: row.tenant,
    model: row.model,
    batchId: row.batch_id ?? undefined,
    traceparent: row.traceparent ?? undefined,
  }));
}

/** dispatched → queued for jobs that never reached their lane. */
export async function recallDispatched(ledger: Ledger, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const rows = await ledger.sql`
    update requests set state = 'queued', dispatched_at = null, dispatch_epoch = null
    where id = any(${ids as string[]}::uuid[]) and state = 'dispatched'`;
  return rows.count;
}

/** waiting → queued for rows whose time has come. Returns how many, and how long until the next one is due. */
export async function bringDue(ledger: Ledger, limit = 5_000): Promise<{ moved: number; nextMs: number | undefined }> {
  const moved = await ledger.sql`
    update requests set state = 'queued', not_before = null
    where id in (
      select id from requests where state = 'waiting' and not_before <= now() order by not_before limit ${limit} for update skip locked
    ) and state = 'waiting'`;
  const [row] = await ledger.sql<{ next_ms: number | null }[]>`
    select (extract(epoch from min(not_before) - now()) * 1000)::float8 as next_ms from requests where state = 'waiting'`;
  return { moved: moved.count, nextMs: row?.next_ms ?? undefined };
}

/** Lanes that have queued rows: a walk over the index from lane to lane. */
export async function lanesWithBacklog(ledger: Ledger): Promise<string[]> {
  const rows = await ledger.sql<{ lane: string }[]>`
    with recursive lanes as (
      select min(lane) as lane from requests where state = 'queued'
      union all
      select (select min(lane) from requests where state = 'queued' and lane > l.lane) from lanes l where l.lane is not null
    ) select lane from lanes where lane is not null`;
  return rows.map((row) => row.lane);
}
