/**
 * Who goes into a lane next. Pure.
 *
 * Classes go strictly in order, with one exception that keeps them moving: a tenth of the places goes to rows that are not
 * interactive and have waited too long (ageing), oldest first, and those travel as interactive ones do. Inside a
 * class tenants take turns by deficit round-robin in tokens, so one tenant's flood cannot bury another, and a tenant with
 * long requests gets no more than one with short ones. A round that ends in the middle of a turn is gone on with in the
 * next: whoever did not get its turn yet goes first.
 *   M. Shreedhar, G. Varghese: Efficient Fair Queuing using Deficit Round Robin, SIGCOMM 1995.
 */
import { type PriorityNumber, priorities } from "../request/priority.ts";

export interface Candidate {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  /** Tokens the request is expected to take: its cost in the round-robin. */
  readonly estTokens: number;
  readonly waitedMs: number;
}

export interface Placed<Row extends Candidate> {
  readonly row: Row;
  /** Priority in the lane; aged rows travel as interactive. */
  readonly priority: PriorityNumber;
}

/** Tokens carried over between rounds, by class and tenant, next turn first; owned by the lane's leader, safe to lose. */
export type Deficits = Map<string, number>;

export interface FeedPolicy {
  /** Tokens a tenant may place per turn; about the size of a long request. */
  readonly quantumTokens: number;
  /** A row that is not interactive and waited longer is aged. */
  readonly ageingMs: number;
}

export const defaultFeedPolicy: FeedPolicy = { quantumTokens: 8_000, ageingMs: 30_000 };

/**
 * At most `room` rows, in the order in which they go into the lane. Changes `deficits`. `heads` is how many rows of each
 * (class, tenant) the candidates hold at most: where there are as many, there may be more behind them.
 */
export function feedOrder<Row extends Candidate>(
  candidates: readonly Row[],
  room: number,
  deficits: Deficits,
  policy: FeedPolicy = defaultFeedPolicy,
  heads = room,
): Placed<Row>[] {
  const aged = agedRows(candidates, Math.max(1, Math.floor(room / 10)), policy);
  const agedIds = new Set(aged.map((row) => row.id));
  const placed: Placed<Row>[] = aged.slice(0, room).map((row) => ({ row, priority: priorities.interactive }));
  for (const priority of Object.values(priorities)) {
    if (placed.length >= room) break;
    const queues = queuesOf(
      candidates.filter((row) => row.priority === priority),
      agedIds,
      heads,
    );
    const ring = ringOf(queues, `${priority}/`, deficits);
    const turns = takeTurns(queues, ring, room - placed.length, deficits, policy.quantumTokens);
    placed.push(...turns.map((row) => ({ row, priority })));
  }
  return placed;
}

function agedRows<Row extends Candidate>(candidates: readonly Row[], places: number, policy: FeedPolicy): Row[] {
  return candidates
    .filter((row) => row.priority > priorities.interactive && row.waitedMs > policy.ageingMs)
    .sort((one, other) => other.waitedMs - one.waitedMs)
    .slice(0, places);
}

interface Queue<Row> {
  readonly rows: Row[];
  next: number;
  /** All there is was seen. */
  readonly whole: boolean;
}

/** The rows of one class by class and tenant. Aged ones have their place already. */
function queuesOf<Row extends Candidate>(
  rows: readonly Row[],
  aged: ReadonlySet<string>,
  heads: number,
): ReadonlyMap<string, Queue<Row>> {
  const byTenant = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.priority}/${row.tenant}`;
    const own = byTenant.get(key);
    if (own === undefined) byTenant.set(key, [row]);
    else own.push(row);
  }
  const queueOf = (own: readonly Row[]): Queue<Row> => ({
    rows: own.filter((row) => !aged.has(row.id)),
    next: 0,
    whole: own.length < heads,
  });
  return new Map([...byTenant].map(([key, own]) => [key, queueOf(own)]));
}

/** Whose turn it is, in order; newcomers queue up behind. Those that have nothing any more are forgotten. */
function ringOf(queues: ReadonlyMap<string, unknown>, prefix: string, deficits: Deficits): string[] {
  for (const key of [...deficits.keys()]) if (key.startsWith(prefix) && !queues.has(key)) deficits.delete(key);
  for (const key of queues.keys()) if (!deficits.has(key)) deficits.set(key, 0);
  return [...deficits.keys()].filter((key) => queues.has(key));
}

/** Deficit round-robin over the tenants of one class; each tenant's own rows keep their order. */
function takeTurns<Row extends Candidate>(
  queues: ReadonlyMap<string, Queue<Row>>,
  ring: string[],
  room: number,
  deficits: Deficits,
  quantum: number,
): Row[] {
  const taken: Row[] = [];
  for (let key = ring.shift(); key !== undefined && taken.length < room; key = ring.shift()) {
    const queue = queues.get(key);
    if (queue === undefined) continue;
    let deficit = (deficits.get(key) ?? 0) + quantum;
    for (let row = queue.rows[queue.next]; row !== undefined; row = queue.rows[queue.next]) {
      if (row.estTokens > deficit || taken.length >= room) break;
      taken.push(row);
      queue.next += 1;
      deficit -= row.estTokens;
    }
    const seenAll = queue.next === queue.rows.length;
    if (taken.length >= room || (seenAll && !queue.whole)) {
      // Cut short, by the room or by how far was looked: it stays in front, with what is left of its turn.
      deficits.set(key, deficit - quantum);
      continue;
    }
    deficits.delete(key);
    // An empty queue keeps no credit: idle time is not saved up.
    if (seenAll) continue;
    deficits.set(key, deficit);
    ring.push(key);
  }
  return taken;
}
