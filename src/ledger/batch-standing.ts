/**
 * How far batches are, for whoever watches many of them: every count stops at a limit, and of a batch with more open
 * requests than that a thousand lines, evenly spread, say how it stands. Batch by batch and exactly: `batchCounts`.
 */
import type { BatchView } from "./batches.ts";
import type { Ledger } from "./ledger.ts";

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

/** A count that reads this much is not known. */
const mostCounted = 5_000;
const samples = 1_000;

/** Unfinished batches of all tenants, newest first. */
export async function openBatches({ sql }: Ledger, limit: number): Promise<BatchHead[]> {
  return sql<BatchHead[]>`${heads(sql)} where finished_at is null order by id desc limit ${limit}`;
}

/** Those that ended last, newest first. */
export async function endedBatches({ sql }: Ledger, limit: number): Promise<BatchHead[]> {
  return sql<BatchHead[]>`
    ${heads(sql)} where finished_at is not null order by finished_at desc, id desc limit ${limit}`;
}

export type BatchHead = Pick<BatchView, "id" | "tenant" | "state" | "source" | "total" | "createdAt"> & {
  readonly finishedAt: Date | null;
};

const heads = (sql: Ledger["sql"]) =>
  sql`select id, tenant, state, source, total, created_at as "createdAt", finished_at as "finishedAt" from batches`;

/** In the order of `batches`. */
export async function batchStandings(
  ledger: Ledger,
  batches: readonly Pick<BatchHead, "id" | "state" | "total">[],
  most = mostCounted,
): Promise<BatchStanding[]> {
  const rows = await countRows(
    ledger,
    batches.map(({ id }) => id),
    most,
  );
  return Promise.all(
    batches.map(async (batch) => {
      const found = rows.filter(({ id }) => id === batch.id);
      const of = (state: string) => found.find((row) => row.state === state)?.n ?? 0;
      const accepted = batch.state === "accepting" ? of("lines") : batch.total;
      const isKnown = found.every((row) => row.state === "lines" || row.n < most);
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

/** The state is spelt out each time: a partial index serves only what is known to be in it. */
function countRows({ sql }: Ledger, ids: readonly string[], most: number) {
  const upTo = (state: string, rows: ReturnType<typeof sql>) => sql`
    select a.id, ${state} as state, c.n from asked a, lateral (
      select count(*)::int as n from (select from requests r where r.batch_id = a.id and ${rows} limit ${most}) s) c`;
  return sql<{ id: string; state: string; n: number }[]>`
    with asked as (select unnest(${ids as string[]}::uuid[]) as id)
    ${upTo("queued", sql`state = 'queued'`)} union all ${upTo("dispatched", sql`state = 'dispatched'`)}
    union all ${upTo("running", sql`state = 'running'`)} union all ${upTo("waiting", sql`state = 'waiting'`)}
    union all ${upTo("held", sql`state = 'held'`)} union all ${upTo("failed", sql`state = 'failed'`)}
    union all ${upTo("cancelled", sql`state = 'cancelled'`)}
    union all select a.id, 'lines', l.line_no from asked a, lateral (
      select line_no from batch_lines l where l.batch_id = a.id order by line_no desc limit 1) l`;
}

/** Lines end about in their order, so an even spread is right to a thousandth. */
async function sampled({ sql }: Ledger, id: string, accepted: number): Promise<(state: string) => number> {
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
