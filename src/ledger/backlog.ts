/** The feeder's view of the backlog: heads of tenants, due rows, and the move into a lane. All bounded queries. */
import type { PriorityNumber } from "../request/priority.ts";
import { despiteDeadlocks } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";

export interface BacklogRow {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  readonly model: string;
  readonly deployment: string;
  readonly batchId: string | undefined;
  readonly estTokens: number;
  readonly waitedMs: number;
}

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  readonly model: string;
  readonly deployment: string;
  readonly batch_id: string | null;
  readonly est_tokens: number;
  readonly waited_ms: number;
  /** The how-manieth tenant of its class. */
  readonly n: number;
  readonly heads: number;
}

export interface BacklogWish {
  readonly lane: string;
  readonly classes: readonly PriorityNumber[];
  /** How many rows can be used: twice the even share of every tenant is looked at. */
  readonly room: number;
  /** By class: where the last look ended. */
  readonly after?: ReadonlyMap<number, string>;
  /** Tenants of a class at one look; the next look goes on behind them. */
  readonly tenantLimit?: number;
  /** Deployments that take nothing now: their rows are passed over, as far as `passedRows` of a tenant reach. */
  readonly blocked?: readonly string[];
}

const passedRows = 5_000;

export interface Backlog {
  readonly rows: readonly BacklogRow[];
  /** Rows of each (class, tenant) at most: where there are as many, there may be more. */
  readonly heads: number;
  /** By class: the last tenant seen, when there may be more behind it. */
  readonly after: ReadonlyMap<number, string>;
}

/**
 * The oldest queued rows of every (class, tenant) of a lane. Walks the index from tenant to tenant, so its cost follows the
 * room and the number of tenants, not that of rows.
 */
export async function backlogHeads(ledger: Ledger, wish: BacklogWish): Promise<Backlog> {
  const { lane, classes, room, after = new Map<number, string>(), tenantLimit = 200, blocked = [] } = wish;
  const rows = await ledger.sql<Row[]>`
    with recursive
    classes as (
      select * from unnest(${classes as number[]}::int[], ${classes.map((one) => after.get(one) ?? "")}::text[]) as c(priority, after)
    ),
    tenants as (
      select c.priority, (select min(tenant) from requests
        where lane = ${lane} and priority = c.priority::smallint and tenant > c.after and state = 'queued') as tenant, 1 as n
      from classes c
      union all
      select t.priority, (select min(tenant) from requests
        where lane = ${lane} and priority = t.priority::smallint and tenant > t.tenant and state = 'queued'), t.n + 1
      from tenants t where t.tenant is not null and t.n < ${tenantLimit}
    ),
    share as materialized (select ceil(2.0 * ${room} / greatest(1, count(tenant)))::int as heads from tenants)
    select r.*, t.n, share.heads from tenants t cross join share, lateral (
      select id, tenant, priority, model, deployment, batch_id, est_input_tokens + est_output_tokens as est_tokens,
        (extract(epoch from now() - created_at) * 1000)::float8 as waited_ms
      from (select * from requests where lane = ${lane} and priority = t.priority::smallint and tenant = t.tenant and state = 'queued'
        order by id limit case when ${blocked.length} = 0 then share.heads else ${passedRows} end) head
      where deployment <> all(${blocked as string[]}::text[])
      order by id limit share.heads
    ) r where t.tenant is not null`;
  const last = new Map(classes.map((one) => [one as number, ""]));
  for (const row of rows) if (row.n === tenantLimit) last.set(row.priority, row.tenant);
  return { rows: rows.map(backlogRow), heads: rows[0]?.heads ?? 0, after: last };
}

const backlogRow = (row: Row): BacklogRow => ({
  id: row.id,
  tenant: row.tenant,
  priority: row.priority,
  model: row.model,
  deployment: row.deployment,
  batchId: row.batch_id ?? undefined,
  estTokens: row.est_tokens,
  waitedMs: row.waited_ms,
});

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
