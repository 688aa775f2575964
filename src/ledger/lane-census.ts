/**
 * What is open in each lane, for operators and gauges. Every count reads a partial index and stops at `censusLimit`, so
 * asking costs the same with a thousand requests as with ten million.
 */
import type { Ledger } from "./ledger.ts";
import { readByIndex, type Within } from "./read-by-index.ts";

/** Counting stops here, and says so. */
export const censusLimit = 100_000;

export const openStates = ["queued", "dispatched", "running", "waiting", "held"] as const;
export type OpenState = (typeof openStates)[number];

export interface LaneCensus {
  readonly lane: string;
  readonly counts: Readonly<Record<OpenState, number>>;
  /** States whose count stopped at a limit: there are at least so many. */
  readonly cut: readonly OpenState[];
  /** Age of the oldest request that is queued or dispatched, milliseconds; undefined when none is. */
  readonly oldestMs: number | undefined;
}

interface CountRow {
  readonly lane: string;
  readonly state: OpenState;
  readonly n: number;
}

/** One entry for each of `lanes`, in their order. */
export const laneCensus = (ledger: Ledger, lanes: readonly string[]): Promise<LaneCensus[]> =>
  readByIndex(ledger, (within) => laneCensusWithin(within, lanes, censusLimit));

/** To be asked within readByIndex. */
export async function laneCensusWithin(ledger: Within, lanes: readonly string[], limit: number): Promise<LaneCensus[]> {
  const [counts, ages] = await Promise.all([countRows(ledger, lanes, limit), oldestRows(ledger, lanes)]);
  const inAll = (state: OpenState) => counts.reduce((sum, row) => (row.state === state ? sum + row.n : sum), 0);
  return lanes.map((lane) => {
    const of = (state: OpenState) => counts.find((row) => row.lane === lane && row.state === state)?.n ?? 0;
    return {
      lane,
      counts: {
        queued: of("queued"),
        dispatched: of("dispatched"),
        running: of("running"),
        waiting: of("waiting"),
        held: of("held"),
      },
      cut: openStates.filter((state) => (countedTogether.has(state) ? inAll(state) : of(state)) >= limit),
      oldestMs: ages.find((row) => row.lane === lane)?.oldest_ms ?? undefined,
    };
  });
}

/** The limit holds for all lanes together. */
const countedTogether: ReadonlySet<OpenState> = new Set(["running", "waiting", "held"]);

/** Queued and dispatched rows are indexed by lane; of the others the first `limit` are read and sorted out. */
const countRows = ({ sql }: Within, lanes: readonly string[], limit: number) =>
  sql<CountRow[]>`
    with lanes as (select unnest(${lanes as string[]}::text[]) as lane)
    select l.lane, 'queued' as state, q.n from lanes l, lateral (
      select count(*)::int as n from (select from requests r where r.lane = l.lane and state = 'queued' limit ${limit}) s) q
    union all
    select l.lane, 'dispatched', d.n from lanes l, lateral (
      select count(*)::int as n from (select from requests r where r.lane = l.lane and state = 'dispatched' limit ${limit}) s) d
    union all
    select lane, 'running', count(*)::int from (select lane from requests where state = 'running' limit ${limit}) s group by lane
    union all
    select lane, 'waiting', count(*)::int from (select lane from requests where state = 'waiting' limit ${limit}) s group by lane
    union all
    select lane, 'held', count(*)::int from (select lane from requests where state = 'held' limit ${limit}) s group by lane`;

/** Ids are in the order of acceptance: the least id of each (class, tenant) is its oldest; the walk is the feeder's. */
const oldestRows = ({ sql }: Within, lanes: readonly string[]) =>
  sql<{ lane: string; oldest_ms: number | null }[]>`
    with recursive
    lanes as (select unnest(${lanes as string[]}::text[]) as lane),
    heads as (
      select l.lane, c.priority, 1 as n, (select min(tenant) from requests
        where lane = l.lane and priority = c.priority and state = 'queued') as tenant
      from lanes l, (select generate_series(1, 3)::smallint as priority) c
      union all
      select h.lane, h.priority, h.n + 1, (select min(tenant) from requests
        where lane = h.lane and priority = h.priority and tenant > h.tenant and state = 'queued')
      from heads h where h.tenant is not null and h.n < 200
    ),
    births as (
      select h.lane, o.created_at from heads h, lateral (
        select created_at from requests
        where lane = h.lane and priority = h.priority and tenant = h.tenant and state = 'queued' order by id limit 1) o
      where h.tenant is not null
      union all
      select l.lane, o.created_at from lanes l, lateral (
        select created_at from requests where lane = l.lane and state = 'dispatched' order by dispatched_at limit 1) o
    )
    select lane, (extract(epoch from now() - min(created_at)) * 1000)::float8 as oldest_ms from births group by lane`;
