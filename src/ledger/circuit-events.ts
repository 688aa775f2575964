/** The history of circuits: every change once, by the gate or by an operator, for whoever asks what happened and since when. */
import { v7 as uuidv7 } from "uuid";
import { despiteAbsence } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";
import type { Within } from "./read-by-index.ts";

export interface NewCircuitEvent {
  readonly provider: string;
  /** Undefined: a switch of the whole provider. */
  readonly deployment: string | undefined;
  readonly fromState: string;
  readonly toState: string;
  readonly reason: string;
  readonly by: "gate" | "operator";
}

export interface CircuitEvent extends NewCircuitEvent {
  readonly id: string;
  readonly at: Date;
}

/** A database that restarts takes seconds; longer than that news do not wait in memory. */
const patienceMs = 10_000;

/** Waits for a ledger that is away, ten seconds at most. The moment that is kept is that of the call. */
export async function appendCircuitEvent(ledger: Ledger, event: NewCircuitEvent): Promise<void> {
  const [id, at] = [uuidv7(), new Date()];
  await despiteAbsence(
    { forMs: patienceMs },
    () => ledger.sql`
      insert into circuit_events (id, at, provider, deployment, from_state, to_state, reason, "by")
      values (${id}, ${at}, ${event.provider}, ${event.deployment ?? null}, ${event.fromState}, ${event.toState},
        ${event.reason}, ${event.by})
      on conflict (id) do nothing`,
  );
}

/** The newest events, newest first; of one provider or of all. */
export async function newestCircuitEvents(
  ledger: Within,
  query: { readonly limit: number; readonly provider?: string },
): Promise<CircuitEvent[]> {
  const { sql } = ledger;
  const rows = await sql<Row[]>`
    select ${columns(ledger)} from circuit_events
    ${query.provider === undefined ? sql`` : sql`where provider = ${query.provider}`}
    order by id desc limit ${query.limit}`;
  return rows.map(eventOf);
}

/** The latest event of every deployment that ever had one, and of every provider's own switches. */
export async function latestCircuitEvents(ledger: Ledger): Promise<CircuitEvent[]> {
  const rows = await ledger.sql<Row[]>`
    select distinct on (provider, deployment) ${columns(ledger)} from circuit_events
    order by provider, deployment, id desc`;
  return rows.map(eventOf);
}

type Row = Omit<CircuitEvent, "deployment"> & { readonly deployment: string | null };

const columns = ({ sql }: Within) =>
  sql`id, at, provider, deployment, from_state as "fromState", to_state as "toState", reason, "by"`;

const eventOf = (row: Row): CircuitEvent => ({ ...row, deployment: row.deployment ?? undefined });
