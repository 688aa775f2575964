/** What a batch's open requests wait for: the facts from which a person is told what limits it now. */
import { firstIdOf } from "./first-id.ts";
import type { Ledger } from "./ledger.ts";

export interface OpenWork {
  readonly lane: string;
  readonly state: "queued" | "dispatched" | "running" | "waiting" | "held";
  /** Of waiting rows: the failure they wait after. Of held rows: why. */
  readonly reason: string | undefined;
  /** Exact but for queued rows, of which only the first thousands are looked at. */
  readonly count: number;
  /** Of waiting rows: until the first of them is due. */
  readonly nextMs: number | undefined;
}

const queuedSample = 2_000;

export async function batchOpenWork(ledger: Ledger, batchId: string): Promise<OpenWork[]> {
  const rows = await ledger.sql<
    { lane: string; state: OpenWork["state"]; reason: string | null; n: number; next_ms: number | null }[]
  >`
    select lane, state, case state when 'waiting' then failure_kind when 'held' then hold_reason end as reason, count(*)::int as n,
      greatest(0, (extract(epoch from min(not_before) - now()) * 1000))::float8 as next_ms
    from requests where batch_id = ${batchId} and state in ('dispatched', 'running', 'waiting', 'held') group by 1, 2, 3
    union all
    select lane, 'queued', null, count(*)::int, null from (
      select lane from requests where batch_id = ${batchId} and state = 'queued' limit ${queuedSample}) as sample group by lane`;
  return rows.map((row) => ({
    lane: row.lane,
    state: row.state,
    reason: row.reason ?? undefined,
    count: row.n,
    nextMs: row.next_ms ?? undefined,
  }));
}

/** Calls under way in the whole fleet, by lane. */
export async function runningByLane(ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const rows = await ledger.sql<{ lane: string; n: number }[]>`
    select lane, count(*)::int as n from requests where state = 'running' group by lane`;
  return new Map(rows.map((row) => [row.lane, row.n]));
}

/**
 * Calls a minute of the whole fleet by deployment, from what ended in the last ten seconds, or in the time since the
 * first call of a fleet that has just begun. Calls are found by the time in their ids.
 */
export async function callsPerMinute(ledger: Ledger, now: Date): Promise<ReadonlyMap<string, number>> {
  const rows = await ledger.sql<{ deployment: string; per_minute: number }[]>`
    select deployment, (count(*) filter (where created_at > now() - interval '10 seconds') * 60
      / greatest(1, least(10, extract(epoch from now() - min(created_at)))))::float8 as per_minute
    from attempts where id > ${firstIdOf(now.getTime() - 60_000)}::uuid group by deployment`;
  return new Map(rows.map((row) => [row.deployment, row.per_minute]));
}

/** Requests of the whole ledger that are not finished, up to `limit`; those of the named batches are left out. */
export async function openRequestsElsewhere(
  ledger: Ledger,
  batchIds: readonly string[],
  limit = 1_000,
): Promise<number> {
  const [row] = await ledger.sql<{ n: number }[]>`
    select count(*)::int as n from (
      select 1 from requests where state in ('queued', 'dispatched', 'running', 'waiting', 'held')
        and (batch_id is null or batch_id <> all(${batchIds as string[]}::uuid[])) limit ${limit}) as open`;
  return row?.n ?? 0;
}

/** Unfinished batches of this source. */
export async function openBatchesOf(ledger: Ledger, source: string): Promise<string[]> {
  const rows = await ledger.sql<{ id: string }[]>`
    select id from batches where source = ${source} and finished_at is null`;
  return rows.map((row) => row.id);
}
