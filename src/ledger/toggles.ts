/** Operator's switches that outlive Redis: the truth about paused lanes. */
import type { Ledger } from "./ledger.ts";

const pausePrefix = "paused:";

export async function pausedLanes(ledger: Ledger): Promise<ReadonlySet<string>> {
  const rows = await ledger.sql<{ name: string }[]>`select name from toggles where name like ${`${pausePrefix}%`}`;
  return new Set(rows.map((row) => row.name.slice(pausePrefix.length)));
}

export async function pauseLane(ledger: Ledger, lane: string, reason?: string): Promise<void> {
  await ledger.sql`
    insert into toggles (name, reason) values (${pausePrefix + lane}, ${reason ?? null})
    on conflict (name) do update set reason = excluded.reason, set_at = now()`;
}

export async function resumeLane(ledger: Ledger, lane: string): Promise<void> {
  await ledger.sql`delete from toggles where name = ${pausePrefix + lane}`;
}
