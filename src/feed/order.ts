/**
 * Who goes into a lane next. Pure.
 *
 * Classes go strictly in order, with one exception that keeps lower ones moving: a tenth of the places goes to rows of
 * lower classes that have waited too long (ageing), oldest first, and those travel with the highest priority. Inside a
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
  /** A row of a lower class that waited longer is aged. */
  readonly ageingMs: number;
}

export const defaultFeedPolicy: FeedPolicy = { quantumTokens: 8_000, ageingMs: 30_000 };

/** At most `room` rows, in the order in which they go into the lane. Changes `deficits`. */
export function feedOrder<Row extends Candidate>(
  candidates: readonly Row[],
  room: number,
  deficits: Deficits,
  policy: FeedPolicy = defaultFeedPolicy,
): Placed<Row>[] {
  const aged = agedRows(candidates, Math.max(1, Math.floor(room / 10)), policy);
  const agedIds = new Set(aged.map((row) => row.id));
  const placed: Placed<Row>[] = aged.slice(0, room).map((row) => ({ row, priority: priorities.interactive }));
  for (const priority of Object.values(priorities)) {
    if (placed.length >= room) break;
    const ofClass = candidates.filter((row) => row.priority === priority && !agedIds.has(row.id));
    const turn = takeTurns(ofClass, `${priority}/`, room - placed.length, deficits, policy.quantumTokens);
    placed.push(...turn.map((row) => ({ row, priority })));
  }
  return placed;
}

function agedRows<Row extends Candidate>(candidates: readonly Row[], places: number, policy: FeedPolicy): Row[] {
  const classes = new Set(candidates.map((row) => row.priority));
  const highest = Math.min(...classes);
  return candidates
    .filter((row) => row.priority > highest && row.waitedMs > policy.ageingMs)
    .sort((one, other) => other.waitedMs - one.waitedMs)
    .slice(0, places);
}

/** Deficit round-robin over the tenants of one class; each tenant's own rows keep their order. */
function takeTurns<Row extends Candidate>(
  rows: readonly Row[],
  prefix: string,
  room: number,
  deficits: Deficits,
  quantum: number,
): Row[] {
  const queues = queuesOf(rows, prefix);
  const ring = ringOf(queues, prefix, deficits);
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
    if (taken.length >= room) {
      // Not this tenant's fault: it stays in front, with what is left of its turn.
      deficits.set(key, deficit - quantum);
      break;
    }
    deficits.delete(key);
    // An empty queue keeps no credit: idle time is not saved up.
    if (queue.next === queue.rows.length) continue;
    deficits.set(key, deficit);
    ring.push(key);
  }
  return taken;
}

interface Queue<Row> {
  readonly rows: Row[];
  next: number;
}

function queuesOf<Row extends Candidate>(rows: readonly Row[], prefix: string): ReadonlyMap<string, Queue<Row>> {
  const queues = new Map<string, Queue<Row>>();
  for (const row of rows) {
    const key = prefix + row.tenant;
    const queue = queues.get(key);
    if (queue === undefined) queues.set(key, { rows: [row], next: 0 });
    else queue.rows.push(row);
  }
  return queues;
}

/** Whose turn it is, in order; newcomers queue up behind. Those that have nothing any more are forgotten. */
function ringOf(queues: ReadonlyMap<string, unknown>, prefix: string, deficits: Deficits): string[] {
  for (const key of [...deficits.keys()]) if (key.startsWith(prefix) && !queues.has(key)) deficits.delete(key);
  for (const key of queues.keys()) if (!deficits.has(key)) deficits.set(key, 0);
  return [...deficits.keys()].filter((key) => queues.has(key));
}
