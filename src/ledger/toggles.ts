/** Operator's switches that outlive Redis: the truth about paused lanes, and about what is isolated. */
import type { Ledger } from "./ledger.ts";
import type { Within } from "./read-by-index.ts";

const pausePrefix = "paused:";
const isolationPrefix = "isolated:";

export async function pausedLanes(ledger: Ledger): Promise<ReadonlySet<string>> {
  return new Set((await lanePauses(ledger)).map(({ target }) => target));
}

/** The same, with why and since when. */
export const lanePauses = (ledger: Within): Promise<SwitchedOff[]> => togglesOf(ledger, pausePrefix);

export const pauseLane = (ledger: Ledger, lane: string, reason?: string): Promise<void> =>
  setToggle(ledger, pausePrefix + lane, reason);

export async function resumeLane(ledger: Ledger, lane: string): Promise<void> {
  await ledger.sql`delete from toggles where name = ${pausePrefix + lane}`;
}

/** What an operator switched off: a lane, a provider, or a deployment `provider/model`. */
export interface SwitchedOff {
  readonly target: string;
  readonly reason: string | undefined;
  readonly since: Date;
}

export const isolatedTargets = (ledger: Ledger): Promise<SwitchedOff[]> => togglesOf(ledger, isolationPrefix);

export const isolateTarget = (ledger: Ledger, target: string, reason?: string): Promise<void> =>
  setToggle(ledger, isolationPrefix + target, reason);

/** With a provider, its deployments too. */
export async function unisolateTarget(ledger: Ledger, target: string): Promise<void> {
  const name = isolationPrefix + target;
  await ledger.sql`delete from toggles where name = ${name} or starts_with(name, ${`${name}/`})`;
}

async function togglesOf(ledger: Within, prefix: string): Promise<SwitchedOff[]> {
  const rows = await ledger.sql<{ name: string; reason: string | null; set_at: Date }[]>`
    select name, reason, set_at from toggles where starts_with(name, ${prefix}) order by name`;
  return rows.map((row) => ({
    target: row.name.slice(prefix.length),
    reason: row.reason ?? undefined,
    since: row.set_at,
  }));
}

async function setToggle(ledger: Ledger, name: string, reason: string | undefined): Promise<void> {
  await ledger.sql`
    insert into toggles (name, reason) values (${name}, ${reason ?? null})
    on conflict (name) do update set reason = excluded.reason, set_at = now()`;
}
