/**
 * Who works on a hosted batch: one process at a time, by a lease. Each step names the lease, so that one who lost it changes
 * nothing any more, and each leaves the batch where anybody can go on with it.
 */
import type { ISql } from "postgres";
import { v7 as uuidv7 } from "uuid";
import { cancelLines } from "./batches.ts";
import { addFile, type NewFile } from "./files.ts";
import type { HostedOutcome, HostedSummary, LineError } from "./hosted-batches.ts";
import type { Ledger } from "./ledger.ts";
import { storable } from "./storable.ts";
import { tellOfBatches } from "./webhook-outbox.ts";

export interface HeldBatch {
  readonly id: string;
  readonly leaseToken: string;
}

/** The oldest batch with something to do that nobody has in hand; while its requests run, there is nothing. */
export async function holdHosted({ sql }: Ledger, leaseMs: number): Promise<HeldBatch | undefined> {
  const leaseToken = uuidv7();
  const [row] = await sql<{ id: string }[]>`
    with due as materialized (
      select h.batch_id from hosted_batches h join batches b on b.id = h.batch_id
      where h.settled_at is null and b.state <> 'running'
        and (h.lease_until is null or h.lease_until < now()) and (h.look_after is null or h.look_after < now())
        and not (b.state = 'accepting' and h.expires_at > now() and exists (select 1 from toggles t where t.name = 'paused-batch:' || b.id))
      order by h.batch_id limit 1 for update of h skip locked
    )
    update hosted_batches h set lease_token = ${leaseToken}, look_after = null,
      lease_until = now() + ${leaseMs} * interval '1 millisecond'
    from due where h.batch_id = due.batch_id returning h.batch_id as id`;
  return row === undefined ? undefined : { id: row.id, leaseToken };
}

/** False: it is somebody else's now, or settled. */
export async function renewHosted({ sql }: Ledger, { id, leaseToken }: HeldBatch, leaseMs: number): Promise<boolean> {
  const rows = await sql`
    update hosted_batches set lease_until = now() + ${leaseMs} * interval '1 millisecond'
    where batch_id = ${id} and lease_token = ${leaseToken} and settled_at is null`;
  return rows.count > 0;
}

/** Gives it back, to be looked at again after `ms`. */
export async function letGoHosted({ sql }: Ledger, { id, leaseToken }: HeldBatch, ms: number): Promise<void> {
  await sql`
    update hosted_batches set lease_token = null, lease_until = null, look_after = now() + ${ms}::float8 * interval '1 millisecond'
    where batch_id = ${id} and lease_token = ${leaseToken}`;
}

/** Every line of its file is good. */
export async function noteChecked({ sql }: Ledger, { id, leaseToken }: HeldBatch, lines: number): Promise<void> {
  await sql`update hosted_batches set checked_lines = ${lines} where batch_id = ${id} and lease_token = ${leaseToken}`;
}

/** Its lines may come. False: it is somebody else's now, or no longer wanted. */
export async function beginHosted(
  { sql }: { readonly sql: ISql },
  { id, leaseToken }: HeldBatch,
  lines: number,
): Promise<boolean> {
  const rows = await sql`
    with begun as (
      update hosted_batches h set in_progress_at = now() from batches b
      where h.batch_id = ${id} and h.lease_token = ${leaseToken} and b.id = h.batch_id and b.state = 'accepting'
      returning h.batch_id
    )
    update batches set total = ${lines} where id in (select batch_id from begun) and state = 'accepting'`;
  return rows.count > 0;
}

/** Whether its lines may still come: it is neither cancelled nor paused. A pause does not stop its window. */
export async function isWanted({ sql }: Ledger, id: string): Promise<boolean> {
  const [row] = await sql`
    select 1 from batches b join hosted_batches h on h.batch_id = b.id where b.id = ${id} and b.state = 'accepting'
      and (h.expires_at <= now() or not exists (select 1 from toggles t where t.name = 'paused-batch:' || b.id))`;
  return row !== undefined;
}

/** accepting → failed: its file cannot be run. What of its lines was in already is cancelled. */
export async function failHosted(
  ledger: Ledger,
  { id, leaseToken }: HeldBatch,
  errors: readonly LineError[],
): Promise<boolean> {
  const failed = await ledger.sql`
    with failed as (
      update hosted_batches h set settled_at = now(), outcome = 'failed', errors = ${storable(errors)}::text::jsonb,
        lease_token = null, lease_until = null
      from batches b where h.batch_id = ${id} and h.lease_token = ${leaseToken} and b.id = h.batch_id and b.state = 'accepting'
      returning h.batch_id
    ),
    moved as (
      update batches set state = 'failed', finished_at = now(), total = 0 where id in (select batch_id from failed)
      returning id, tenant, state, gen_random_uuid() as event_id
    ),
    told as (${tellOfBatches(ledger.sql)})
    select id from moved`;
  if (failed.count > 0) await cancelLines(ledger, id, "all");
  return failed.count > 0;
}

/** Of a batch that was cancelled: as many lines as there are. */
export async function noteTotal({ sql }: Ledger, id: string): Promise<void> {
  await sql`
    update batches set total = (select count(*) from batch_lines where batch_id = ${id})
    where id = ${id} and state in ('cancelling', 'cancelled')`;
}

export async function noteFinalizing({ sql }: Ledger, { id, leaseToken }: HeldBatch): Promise<void> {
  await sql`
    update hosted_batches set finalizing_at = coalesce(finalizing_at, now())
    where batch_id = ${id} and lease_token = ${leaseToken}`;
}

export interface Settling {
  readonly outcome: HostedOutcome;
  readonly summary: HostedSummary;
  readonly output: NewFile | undefined;
  readonly error: NewFile | undefined;
}

/** Its end, with its files. False: it is somebody else's now, or goes on (`batch retry`); nothing was written then. */
export async function settleHosted(ledger: Ledger, held: HeldBatch, settling: Settling): Promise<boolean> {
  const { id, leaseToken } = held;
  const { outcome, summary, output, error } = settling;
  return ledger.sql.begin(async (sql) => {
    const rows = await sql`
      update hosted_batches h set settled_at = now(), outcome = ${outcome}, summary = ${JSON.stringify(summary)}::text::jsonb,
        output_file_id = ${output?.id ?? null}, error_file_id = ${error?.id ?? null}, lease_token = null, lease_until = null
      from batches b
      where h.batch_id = ${id} and h.lease_token = ${leaseToken} and h.settled_at is null
        and b.id = h.batch_id and b.state in ('completed', 'cancelled') and not exists (
          select 1 from requests r where r.batch_id = ${id} and r.state in ('queued', 'dispatched', 'running', 'waiting', 'held'))`;
    if (rows.count === 0) return false;
    await sql`
      with moved as (
        select id, tenant, ${outcome}::text as state, gen_random_uuid() as event_id from batches where id = ${id}
      )
      ${tellOfBatches(sql)}`;
    for (const file of [output, error]) if (file !== undefined) await addFile({ sql }, file);
    return true;
  });
}
