/**
 * Room in the backlog. Counting open rows costs what the backlog is long, and counting every end would cost each call a
 * write, so `open_counts` only counts up: what is accepted is added in the transaction that stores it, and what has ended
 * is taken off by a count of the rows, which is made when a bound is reached or the last count is a minute old. So a number
 * is never less than what is open, and those who accept under one bound take turns: the bound is never exceeded.
 * What is brought in without asking (`batch retry`, processes without the bound) shows at the next count.
 */
import type { ISql } from "postgres";
import { type BacklogBounds, tenantBound } from "../config/backlog.ts";
import type { Ledger } from "./ledger.ts";
import type { Within } from "./read-by-index.ts";

/** What one bound is asked for. */
export interface Ask {
  /** Undefined: the bound of the whole fleet. */
  readonly tenant: string | undefined;
  readonly asked: number;
  readonly most: number;
}

/** A bound that does not let as much in. */
export interface Full extends Ask {
  readonly open: number;
  /** How fast room came free of late; undefined when that is not known. */
  readonly endedPerSecond: number | undefined;
}

export type Roomed<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly full: Full };

export interface Room {
  /** Does `work` in one transaction with the taking of the room it asks for. `work` may store less, never more. */
  take<Value>(asks: readonly Ask[], work: (sql: ISql) => Promise<Value>): Promise<Roomed<Value>>;
}

/** The bounds that hold for so many new requests of these tenants; none when nothing is bounded. */
export function asksOf(bounds: BacklogBounds, byTenant: ReadonlyMap<string, number>): Ask[] {
  const asks = [...byTenant].map(([tenant, asked]) => ({ tenant, asked, most: tenantBound(bounds, tenant) }));
  const all = { tenant: undefined, asked: asks.reduce((sum, { asked }) => sum + asked, 0), most: bounds.maxOpen };
  return [all, ...asks].flatMap(({ most, ...ask }) =>
    most === undefined || ask.asked === 0 ? [] : [{ ...ask, most }],
  );
}

const scopeOf = (tenant: string | undefined): string => (tenant === undefined ? fleetScope : `tenant:${tenant}`);
const fleetScope = "fleet";

/** A count is not made again sooner than this, nor so that counting takes more than a twentieth of the time. */
const restMs = 1_000;
const restFactor = 20;
/** A count that is older is made again though there is room. */
const staleMs = 60_000;

export function openRoom(ledger: Ledger): Room {
  let counting: Promise<void> | undefined;
  const recount = (): Promise<void> => {
    counting ??= countOpen(ledger).finally(() => {
      counting = undefined;
    });
    return counting;
  };

  return {
    async take(asks, work) {
      if (asks.length === 0) return ledger.sql.begin(async (sql) => ({ ok: true, value: await work(sql) }) as const);
      for (let counted = false; ; counted = true) {
        const answer = await ledger.sql.begin(async (sql) => {
          const { open, age } = await lockCounts(sql, asks);
          const full = firstFull(asks, open);
          if (!counted && (age === undefined || (full !== undefined && age.ms >= age.restMs))) return "uncounted";
          if (full !== undefined) return { ok: false, full } as const;
          if (age !== undefined && age.ms > Math.max(staleMs, age.restMs)) recount().catch(() => {}); // the next one tries again
          await addOpen(sql, asks);
          return { ok: true, value: await work(sql) } as const;
        });
        if (answer !== "uncounted") return answer;
        await recount();
      }
    },
  };
}

/** The first bound without room for what is asked of it, or undefined. Pure. */
function firstFull(asks: readonly Ask[], counts: ReadonlyMap<string, Count>): Full | undefined {
  for (const ask of asks) {
    const count = counts.get(scopeOf(ask.tenant));
    const open = count?.open ?? 0;
    if (open + ask.asked > ask.most) return { ...ask, open, endedPerSecond: count?.endedPerSecond };
  }
  return undefined;
}

interface Count {
  readonly open: number;
  readonly endedPerSecond: number | undefined;
}

interface Age {
  readonly ms: number;
  readonly restMs: number;
}

/** Locks the counts, in the order of their names, until the transaction ends. `age` is undefined when rows were never counted. */
async function lockCounts(sql: ISql, asks: readonly Ask[]) {
  const rows = await sql<LockedRow[]>`
    with locked as (
      insert into open_counts as c (scope, open) select scope, 0 from unnest(${scopesOf(asks)}::text[]) as a(scope) order by scope
      on conflict (scope) do update set open = c.open returning scope, open, ended_per_second
    )
    select locked.*, ${sinceCount(sql)} as ms, f.took_ms
    from locked left join open_counts f on f.scope = ${fleetScope}`;
  const open = new Map<string, Count>(
    rows.map((row) => [row.scope, { open: Number(row.open), endedPerSecond: row.ended_per_second ?? undefined }]),
  );
  return { open, age: ageOf(rows[0]) };
}

interface LockedRow {
  readonly scope: string;
  readonly open: string;
  readonly ended_per_second: number | null;
  readonly ms: number | null;
  readonly took_ms: number | null;
}

const sinceCount = (sql: ISql) => sql`(extract(epoch from clock_timestamp() - f.counted_at) * 1000)::float8`;

const ageOf = (row: Pick<LockedRow, "ms" | "took_ms"> | undefined): Age | undefined =>
  row === undefined || row.ms === null
    ? undefined
    : { ms: row.ms, restMs: Math.max(restMs, restFactor * (row.took_ms ?? 0)) };

const addOpen = (sql: ISql, asks: readonly Ask[]) => sql`
  update open_counts c set open = c.open + a.asked
  from unnest(${scopesOf(asks)}::text[], ${asks.map(({ asked }) => asked)}::int[]) as a(scope, asked) where c.scope = a.scope`;

const scopesOf = (asks: readonly Ask[]): string[] => asks.map(({ tenant }) => scopeOf(tenant));

/**
 * Counts the open rows and takes off the counts what has ended since. What the counts say and what the rows say is read in
 * one snapshot, and only the difference is applied: what is accepted meanwhile stays counted. One counts at a time; who
 * waited for another's count needs none of its own. The lines still to come of a batch that is being handed in are open.
 * State by state, so that each reads a partial index: what has ended is many times as much, and is not looked at.
 */
export async function countOpen({ sql: ledger }: Pick<Ledger, "sql">): Promise<void> {
  await ledger.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(4915112104)`;
    const [last] = await sql<Pick<LockedRow, "ms" | "took_ms">[]>`
      select ${sinceCount(sql)} as ms, took_ms from open_counts f where scope = ${fleetScope}`;
    const age = ageOf(last);
    if (age !== undefined && age.ms < age.restMs) return;
    const began = performance.now();
    await sql`
      with rows as (
        select tenant, count(*) as n from requests where state = 'queued' group by tenant
        union all select tenant, count(*) from requests where state = 'dispatched' group by tenant
        union all select tenant, count(*) from requests where state = 'running' group by tenant
        union all select tenant, count(*) from requests where state = 'waiting' group by tenant
        union all select tenant, count(*) from requests where state = 'held' group by tenant
        union all
        select tenant, greatest(0, total - (select count(*) from batch_lines l where l.batch_id = b.id))
        from batches b where finished_at is null and state = 'accepting'
      ),
      found as (
        select 'tenant:' || tenant as scope, sum(n) as open from rows group by tenant
        union all select ${fleetScope}, coalesce(sum(n), 0) from rows
      ),
      drift as (
        select scope, coalesce(found.open, 0) - coalesce(known.open, 0) as by, known.counted_at
        from found full join open_counts known using (scope)
      )
      insert into open_counts as c (scope, open, counted_at)
      select scope, by, clock_timestamp() from drift order by scope
      on conflict (scope) do update set open = c.open + excluded.open, counted_at = excluded.counted_at,
        ended_per_second = greatest(0, -excluded.open) / greatest(1, extract(epoch from excluded.counted_at - c.counted_at))`;
    await sql`update open_counts set took_ms = ${performance.now() - began}::float8 where scope = ${fleetScope}`;
    await sql`delete from open_counts where open = 0 and scope <> ${fleetScope}`;
  });
}

/** What is open in the whole fleet at most, and when rows were counted last; undefined: they never were. */
export async function openInFleet({
  sql,
}: Within): Promise<{ readonly open: number; readonly countedAt: Date } | undefined> {
  const [row] = await sql<{ open: string; countedAt: Date | null }[]>`
    select open, counted_at as "countedAt" from open_counts where scope = ${fleetScope}`;
  if (row === undefined || row.countedAt === null) return undefined;
  return { open: Number(row.open), countedAt: row.countedAt };
}
