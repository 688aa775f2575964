/**
 * Pausing a batch: what of it has not been sent is held until a person lets it go on; calls under way finish. A switch says
 * that it is paused, and lines that come back or come in meanwhile are held again by the reconciler.
 */
import { despiteDeadlocks } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";

const prefix = "paused-batch:";
/** What a held line says, and by what it is known from those that are held for another reason. */
export const pausedReason = "the batch is paused";
const atOnce = 5_000;

/** False: it has ended, or there is none. */
export async function pauseBatch(ledger: Ledger, id: string): Promise<boolean> {
  const rows = await ledger.sql`
    insert into toggles (name, reason) select ${prefix} || id, ${pausedReason} from batches
    where id = ${id} and state in ('accepting', 'running')
    on conflict (name) do update set reason = excluded.reason`;
  while ((await holdPaused(ledger)) > 0);
  return rows.count > 0;
}

/** How many lines go on. */
export async function resumeBatch({ sql }: Ledger, id: string): Promise<number> {
  await sql`delete from toggles where name = ${prefix + id}`;
  const rows = await despiteDeadlocks(
    () => sql`
      update requests set state = 'queued', hold_reason = null
      where batch_id = ${id} and state = 'held' and hold_reason = ${pausedReason}`,
  );
  return rows.count;
}

export async function isBatchPaused({ sql }: Ledger, id: string): Promise<boolean> {
  const [row] = await sql`select 1 from toggles where name = ${prefix + id}`;
  return row !== undefined;
}

/** Holds lines of paused batches that are not held, some at a time, and forgets switches of batches that have ended. */
export async function holdPaused({ sql }: Ledger): Promise<number> {
  const paused = await sql<{ id: string; ended: boolean }[]>`
    select substr(t.name, ${prefix.length + 1}) as id, not exists (
      select 1 from batches b where b.id = substr(t.name, ${prefix.length + 1})::uuid and b.finished_at is null) as ended
    from toggles t where starts_with(t.name, ${prefix})`;
  const ended = paused.filter((one) => one.ended).map(({ id }) => prefix + id);
  if (ended.length > 0) await sql`delete from toggles where name = any(${ended}::text[])`;
  const open = paused.filter((one) => !one.ended).map(({ id }) => id);
  if (open.length === 0) return 0;
  const rows = await despiteDeadlocks(
    () => sql`
      update requests set state = 'held', hold_reason = ${pausedReason}, dispatched_at = null, dispatch_epoch = null
      where id in (
        select id from requests where batch_id = any(${open}::uuid[]) and state in ('queued', 'dispatched', 'waiting')
        limit ${atOnce} for update skip locked
      ) and state in ('queued', 'dispatched', 'waiting')`,
  );
  return rows.count;
}
