/**
 * How far batches are, for whoever watches many of them: every count stops at a limit, and of a batch with more open
 * requests than that a thousand lines, evenly spread, say how it stands. Batch by batch and exactly: `batchCounts`.
 */
import type { BatchView } from "./batches.ts";
import type { Within } from "./read-by-index.ts";

export interface BatchStanding {
  readonly id: string;
  /** Lines that are in. */
  readonly accepted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  /** Open, and not under way. */
  readonly waiting: number;
  /** From a sample of its lines. */
  readonly estimated: boolean;
}

const samples = 1_000;

/** Unfinished batches of all tenants, newest first. */
export async function openBatches({ sql }: Within, limit: number): Promise<BatchHead[]> {
  return sql<BatchHead[]>`${heads(sql)} where finished_at is null order by id desc limit ${limit}`;
}

/** Those that ended last, newest first. */
export async function endedBatches({ sql }: Within, limit: number): Promise<BatchHead[]> {
  return sql<BatchHead[]>`
    ${heads(sql)} where finished_at is not null order by finished_at desc, id desc limit ${limit}`;
}

export type BatchHead = Pick<BatchView, "id" | "tenant" | "state" | "source" | "total" | "createdAt"> & {
  readonly finishedAt: Date | null;
};

const heads = (sql: Within["sql"]) =>
  sql`select id, tenant, state, source, total, created_at as "createdAt", finished_at as "finishedAt" from batches`;

/** In the order of `batches`; a count that reads `most` is not known. To be asked within readByIndex. */
export async function batchStandings(
  ledger: Within,
  batches: readonly Pick<BatchHead, "id" | "state" | "total">[],
  most: number,
): Promise<BatchStanding[]> {
  const rows = await countRows(
    ledger,
    batches.map(({ id }) => id),
    most,
  );
  return Promise.all(
    batches.map(async (batch) => {
      const found = rows.filter(({ id }) => id === batch.id);
      const of = (...states: readonly string[]) =>
        found.reduce((sum, { state, n }) => (states.includes(state) ? sum + n : sum), 0);
      const accepted = batch.state === "accepting" ? of("lines") : batch.total;
      const isKnown =
        of("queued", "dispatched", "running", "waiting", "held") < most && of("failed", "cancelled") < most;
      return isKnown
        ? standing(batch.id, accepted, of)
        : { ...standing(batch.id, accepted, await sampled(ledger, batch.id, accepted)), estimated: true };
    }),
  );
}

function standing(id: string, accepted: number, of: (state: string) => number): BatchStanding {
  const [failed, cancelled, running] = [of("failed"), of("cancelled"), of("running")];
  const waiting = of("queued") + of("dispatched") + of("waiting") + of("held");
  const succeeded = Math.max(0, accepted - failed - cancelled - running - waiting);
  return { id, accepted, succeeded, failed, cancelled, running, waiting, estimated: false };
}

/** The states of each part are those of one partial index, so that no other index fits. */
const countRows = ({ sql }: Within, ids: readonly string[], most: number) =>
  sql<{ id: string; state: string; n: number }[]>`
    with asked as (select unnest(${ids as string[]}::uuid[]) as id)
    select a.id, c.state, c.n from asked a, lateral (
      select state, count(*)::int as n from (select state from requests r
        where r.batch_id = a.id and state in ('queued', 'dispatched', 'running', 'waiting', 'held') limit ${most}) s group by state) c
    union all
    select a.id, c.state, c.n from asked a, lateral (
      select state, count(*)::int as n from (select state from requests r
        where r.batch_id = a.id and state in ('failed', 'cancelled') limit ${most}) s group by state) c
    union all
    select a.id, 'lines', l.line_no from asked a, lateral (
      select line_no from batch_lines l where l.batch_id = a.id order by line_no desc limit 1) l`;

/** Lines end about in their order, so an even spread is right to a thousandth. */
async function sampled({ sql }: Within, id: string, accepted: number): Promise<(state: string) => number> {
  const rows = await sql<{ state: string; n: number }[]>`
    with lines as (
      select l.request_id from generate_series(0, ${samples - 1}) as k, lateral (
        select request_id from batch_lines
        where batch_id = ${id} and line_no >= 1 + (k * ${accepted}::float8 / ${samples})::int order by line_no limit 1) l
    )
    select r.state, count(*)::int as n from lines l, lateral (select state from requests where id = l.request_id limit 1) r group by 1`;
  const whole = Math.max(
    1,
    rows.reduce((sum, row) => sum + row.n, 0),
  );
  return (state) => Math.round(((rows.find((row) => row.state === state)?.n ?? 0) / whole) * accepted);
}
