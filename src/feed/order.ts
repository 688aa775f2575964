/**
 * Who goes into a lane next. Pure.
 *
 * Classes go strictly in order, with one exception that keeps lower ones moving: a tenth of the places goes to rows of
 * lower classes that have waited too long (ageing), oldest first, and those travel with the highest priority. Inside a
 * class tenants take turns by deficit round-robin in tokens: whoever has had less for its turn goes first, so one
 * tenant's flood cannot bury another, and a tenant with long requests gets no more than one with short ones.
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

/** Tokens carried over between rounds, by tenant; owned by the lane's leader, safe to lose. */
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
    const turn = takeTurns(ofClass, room - placed.length, deficits, policy.quantumTokens);
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

/** Deficit round-robin over tenants; each tenant's own rows keep their order. */
function takeTurns<Row extends Candidate>(
  rows: readonly Row[],
  room: number,
  deficits: Deficits,
  quantum: number,
): Row[] {
  const queues = new Map<string, Row[]>();
  for (const row of rows) {
    const queue = queues.get(row.tenant);
    if (queue === undefined) queues.set(row.tenant, [row]);
    else queue.push(row);
  }
  const cursors = new Map([...queues.keys()].map((tenant) => [tenant, 0]));
  const taken: Row[] = [];
  while (taken.length < room && queues.size > 0) {
    for (const [tenant, queue] of queues) {
      let cursor = cursors.get(tenant) ?? 0;
      let deficit = (deficits.get(tenant) ?? 0) + quantum;
      for (
        let row = queue[cursor];
        row !== undefined && row.estTokens <= deficit && taken.length < room;
        row = queue[cursor]
      ) {
        taken.push(row);
        deficit -= row.estTokens;
        cursor += 1;
      }
      cursors.set(tenant, cursor);
      deficits.set(tenant, deficit);
      if (cursor >= queue.length) {
        queues.delete(tenant);
        // An empty queue keeps no credit: idle time is not saved up.
        deficits.delete(tenant);
      }
      if (taken.length >= room) break;
    }
  }
  return taken;
}
