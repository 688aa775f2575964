/** Bringing lost work back (the reconciler's queries): bounded per call, idempotent, safe when two run. */
import type { Ledger } from "./ledger.ts";
import { tellOfRequests } from "./webhook-outbox.ts";

/** A request lost this often takes its workers down with it: it is parked as failed, with its story. */
const maxLost = 3;

/**
 * Rows whose lease ran out: their worker died or was cut off. The call may have been made, so a `lost` attempt is
 * recorded: this is the ledger of possible duplicates. The attempt stays spent.
 */
export async function rescueExpiredLeases(
  ledger: Ledger,
  limit = 1_000,
): Promise<{ requeued: number; parked: number }> {
  const rows = await ledger.sql<{ state: string }[]>`
    with expired as (
      select id, attempt, dispatch_no, tenant, batch_id, deployment, lease_token, lease_until
      from requests where state = 'running' and lease_until < now() order by lease_until limit ${limit} for update skip locked
    ),
    noted as (
      insert into attempts (id, request_id, tenant, batch_id, dispatch_no, attempt, provider, model, deployment, outcome,
        failure_kind, failure_message, streamed, started_at, duration_ms)
      select e.lease_token, e.id, e.tenant, e.batch_id, e.dispatch_no, e.attempt, split_part(e.deployment, '/', 1),
        substr(e.deployment, strpos(e.deployment, '/') + 1), e.deployment, 'lost', 'lost',
        'the worker was lost; the call may have been made', false, e.lease_until, 0
      from expired e on conflict (id) do nothing
    ),
    moved as (
      update requests r set
        state = case when r.lost + 1 >= ${maxLost} then 'failed' else 'queued' end,
        lost = r.lost + 1, lease_token = null, lease_until = null,
        failure_kind = 'lost', failure_message = 'its worker was lost ' || (r.lost + 1) || ' times',
        finished_at = case when r.lost + 1 >= ${maxLost} then now() end
      from expired e where r.id = e.id
      returning r.id, r.tenant, r.batch_id, r.state
    ),
    told as (${tellOfRequests(ledger.sql)})
    select state from moved`;
  const parked = rows.filter((row) => row.state === "failed").length;
  return { requeued: rows.length - parked, parked };
}

export interface LiveCall {
  readonly requestId: string;
  readonly dispatchNo: number;
  /** Milliseconds its lease has left. */
  readonly leaseMs: number;
}

/** What workers have in hand of a lane: calls under way, and rows that are about to be called for. */
export async function liveCalls(ledger: Ledger, lane: string): Promise<LiveCall[]> {
  const rows = await ledger.sql<{ id: string; dispatch_no: number; lease_ms: number }[]>`
    select id, dispatch_no, (extract(epoch from lease_until - now()) * 1000)::float8 as lease_ms
    from requests where state = 'running' and lease_until > now() and lane = ${lane}`;
  return rows.map((row) => ({ requestId: row.id, dispatchNo: row.dispatch_no, leaseMs: row.lease_ms }));
}

/** Everything dispatched under another epoch: that Redis memory is gone, and the jobs with it. */
export async function recallOtherEpochs(ledger: Ledger, epoch: string, limit = 10_000): Promise<number> {
  const rows = await ledger.sql`
    update requests set state = 'queued', dispatched_at = null, dispatch_epoch = null
    where id in (
      select id from requests where state = 'dispatched' and dispatch_epoch is distinct from ${epoch} limit ${limit} for update skip locked
    ) and state = 'dispatched'`;
  return rows.count;
}

export interface DispatchedJob {
  readonly requestId: string;
  readonly dispatchNo: number;
  readonly priority: number;
}

/** Lanes that have rows in their window; no more rows than the windows hold are read. */
export async function lanesWithDispatched({ sql }: Ledger): Promise<string[]> {
  const rows = await sql<{ lane: string }[]>`select distinct lane from requests where state = 'dispatched'`;
  return rows.map(({ lane }) => lane);
}

/** The oldest dispatched rows of a lane, to see whether their jobs are there. */
export async function oldDispatched(
  ledger: Ledger,
  lane: string,
  olderThanMs: number,
  limit = 1_000,
): Promise<DispatchedJob[]> {
  const rows = await ledger.sql<{ id: string; dispatch_no: number; priority: number }[]>`
    select id, dispatch_no, priority from requests
    where state = 'dispatched' and lane = ${lane} and dispatched_at < now() - ${olderThanMs} * interval '1 millisecond'
    order by dispatched_at limit ${limit}`;
  return rows.map((row) => ({ requestId: row.id, dispatchNo: row.dispatch_no, priority: row.priority }));
}

/** Of these requests those that a lane may hold a job of, with the number it has. */
export async function dispatchNumbers(ledger: Ledger, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await ledger.sql<{ id: string; dispatch_no: number }[]>`
    select id, dispatch_no from requests
    where id = any(${ids as string[]}::uuid[]) and state || '' in ('dispatched', 'running')`;
  return new Map(rows.map((row) => [row.id, row.dispatch_no]));
}

/** Requests whose deadline passed before they ran. */
export async function expireOverdue(ledger: Ledger, limit = 5_000): Promise<number> {
  const { sql } = ledger;
  const rows = await sql`
    with moved as (
      update requests set state = 'failed', failure_kind = 'deadline', finished_at = now(),
        failure_message = 'the deadline passed before the request could be sent'
      where id in (
        select id from requests where deadline < now() and state in ('queued', 'dispatched', 'waiting', 'held')
        order by deadline limit ${limit} for update skip locked
      ) and state in ('queued', 'dispatched', 'waiting', 'held')
      returning id, tenant, batch_id, state
    ),
    told as (${tellOfRequests(sql)})
    select id from moved`;
  return rows.count;
}

/** A fact of the fleet; undefined: never set. */
export async function factOf(ledger: Ledger, name: string): Promise<string | undefined> {
  const [row] = await ledger.sql<{ value: string }[]>`select value from fleet_facts where name = ${name}`;
  return row?.value;
}

export async function setFact(ledger: Ledger, name: string, value: string): Promise<void> {
  await ledger.sql`
    insert into fleet_facts (name, value) values (${name}, ${value})
    on conflict (name) do update set value = excluded.value, set_at = now() where fleet_facts.value <> excluded.value`;
}
