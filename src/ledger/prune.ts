/**
 * Removing what has ended long ago, in steps that are short: a page of ended requests, oldest first, and what a pass does to
 * them. A pass goes on behind the last page, so nothing is looked at twice. What is open or held has no end, so no pass ever
 * sees it.
 */
import { maskContent } from "../request/mask.ts";
import type { Ledger } from "./ledger.ts";

export const nothingRemoved = {
  prompts: 0,
  answers: 0,
  masked: 0,
  requests: 0,
  calls: 0,
  batches: 0,
  events: 0,
  files: 0,
  deliveries: 0,
};
/**
 * `requests` go with prompt, answer, calls and batch line, which are not counted again; `masked` counts texts, `events` changes
 * of circuits, `files` uploads and files of batches, `deliveries` those of webhooks.
 */
export type Removed = Readonly<typeof nothingRemoved>;

export interface EndedRequest {
  readonly id: string;
  readonly tenant: string;
}

/** Where a pass is: behind this request or batch. Times as text: a Date would lose the microseconds, and the place with them. */
export interface Place {
  readonly at: string;
  readonly id: string;
}

export const beginning: Place = { at: "-infinity", id: "00000000-0000-0000-0000-000000000000" };

export interface Page<Last> {
  readonly rows: readonly EndedRequest[];
  /** Where the next page begins; undefined when this one is empty and there is none. */
  readonly last: Last | undefined;
}

/**
 * Requests that ended more than `ageMs` ago, oldest end first. Lines of batches are passed by, for they count from the end of
 * their batch: a page may be empty and not be the last.
 */
export async function endedSingles({ sql }: Ledger, ageMs: number, after: Place, limit: number): Promise<Page<Place>> {
  const rows = await sql<(EndedRequest & Place & { single: boolean })[]>`
    select id, tenant, finished_at::text as at, batch_id is null as single from requests
    where finished_at < now() - ${ageMs} * interval '1 millisecond' and (finished_at, id) > (${after.at}::text::timestamptz, ${after.id}::uuid)
    order by finished_at, id limit ${limit}`;
  return { rows: rows.filter(({ single }) => single), last: rows.at(-1) };
}

/** The next batch that ended more than `ageMs` ago, oldest end first. */
export async function nextEndedBatch({ sql }: Ledger, ageMs: number, after: Place): Promise<Place | undefined> {
  const [row] = await sql<Place[]>`
    select id, finished_at::text as at from batches b
    where ${isSettled({ sql })} and finished_at < now() - ${ageMs} * interval '1 millisecond' and (finished_at, id) > (${after.at}::text::timestamptz, ${after.id}::uuid)
    order by finished_at, id limit 1`;
  return row;
}

/** Of a batch `b`: what its answers are still to be written into files from is not removed. */
const isSettled = ({ sql }: Pick<Ledger, "sql">) =>
  sql`not exists (select 1 from hosted_batches h where h.batch_id = b.id and h.settled_at is null)`;

/** Requests of a batch's lines behind `afterLine`, but for those that run again. */
export async function endedLines(
  { sql }: Ledger,
  batchId: string,
  afterLine: number,
  limit: number,
): Promise<Page<number>> {
  const rows = await sql<(EndedRequest & { line: number; ended: boolean })[]>`
    select r.id, r.tenant, l.line_no as line, r.finished_at is not null as ended
    from batch_lines l join requests r on r.id = l.request_id
    where l.batch_id = ${batchId} and l.line_no > ${afterLine} order by l.line_no limit ${limit}`;
  return { rows: rows.filter(({ ended }) => ended), last: rows.at(-1)?.line };
}

/** `dryRun`: nothing is changed, only counted. */
export interface Way {
  readonly dryRun: boolean;
}

const idsOf = (rows: readonly EndedRequest[]): string[] => rows.map(({ id }) => id);

/** Their prompts (`body`) or answers (`result`), with the sound and what was rejected. */
export async function removeContent(
  { sql }: Ledger,
  rows: readonly EndedRequest[],
  kind: "body" | "result",
  { dryRun }: Way,
): Promise<number> {
  if (rows.length === 0) return 0;
  // What was said instead of an answer is kept as long as one.
  const kinds = kind === "result" ? ["result", "rejected"] : [kind];
  const theirs = sql`request_id = any(${idsOf(rows)}::uuid[]) and kind = any(${kinds}::text[])`;
  if (!dryRun && kind === "result") await sql`delete from result_audio where request_id = any(${idsOf(rows)}::uuid[])`;
  if (!dryRun) return (await sql`delete from payloads where ${theirs}`).count;
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from payloads where ${theirs}`;
  return row?.n ?? 0;
}

/** Masks what is not masked yet, one request after the other: texts may be long. Sound cannot be masked: it goes. */
export async function maskKept({ sql }: Ledger, rows: readonly EndedRequest[], { dryRun }: Way): Promise<number> {
  if (rows.length === 0) return 0;
  const found = await sql<{ request_id: string; kind: string }[]>`
    select request_id, kind from payloads where request_id = any(${idsOf(rows)}::uuid[]) and not masked`;
  if (dryRun) return found.length;
  await sql`delete from result_audio where request_id = any(${idsOf(rows)}::uuid[])`;
  for (const { request_id: id, kind } of found) {
    const [row] = await sql<
      { content: unknown }[]
    >`select content from payloads where request_id = ${id} and kind = ${kind}`;
    if (row === undefined) continue;
    await sql`
      update payloads set content = ${JSON.stringify(maskContent(row.content))}::text::json, masked = true
      where request_id = ${id} and kind = ${kind}`;
  }
  return found.length;
}

/**
 * The requests themselves, with everything of them. Lines of a batch go once their batch ended as long ago; calls that
 * statistics have not counted yet keep their request. What somebody else has in hand is left for the next time.
 */
export async function removeRequests(
  { sql }: Ledger,
  rows: readonly EndedRequest[],
  ageMs: number,
  { dryRun }: Way,
): Promise<{ readonly requests: number; readonly calls: number }> {
  const old = sql`
    select r.id from requests r
    where r.id = any(${idsOf(rows)}::uuid[]) and r.finished_at is not null
      and (r.batch_id is null or exists (select 1 from batches b
        where b.id = r.batch_id and ${isSettled({ sql })} and b.finished_at < now() - ${ageMs} * interval '1 millisecond'))
      and not exists (select 1 from attempts a where a.request_id = r.id
        and a.xact > coalesce((select value from fleet_facts where name = 'rolled_up_to'), '0')::xid8)`;
  const [counted] = dryRun
    ? await sql<Counted[]>`
        with old as (${old})
        select (select count(*) from old)::int as requests,
          (select count(*) from attempts where request_id in (select id from old))::int as calls`
    : await sql<Counted[]>`
        with old as materialized (${old} for update of r skip locked),
        contents as (delete from payloads where request_id in (select id from old)),
        sounds as (delete from result_audio where request_id in (select id from old)),
        lines as (delete from batch_lines where request_id in (select id from old)),
        calls as (delete from attempts where request_id in (select id from old) returning 1),
        gone as (delete from requests where id in (select id from old) returning 1)
        select (select count(*) from gone)::int as requests, (select count(*) from calls)::int as calls`;
  return counted ?? { requests: 0, calls: 0 };
}

interface Counted {
  readonly requests: number;
  readonly calls: number;
}

/** Batches that ended as long ago and have no line any more. A dry run cannot know which those will be: it counts all old ones. */
export async function removeBatches({ sql }: Ledger, ageMs: number, { dryRun }: Way): Promise<number> {
  const old = sql`from batches b where ${isSettled({ sql })} and b.finished_at < now() - ${ageMs} * interval '1 millisecond'`;
  if (dryRun) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n ${old}`;
    return row?.n ?? 0;
  }
  const [row] = await sql<{ n: number }[]>`
    with gone as (delete ${old} and not exists (select 1 from batch_lines l where l.batch_id = b.id) returning b.id),
      hosted as (delete from hosted_batches where batch_id in (select id from gone))
    select count(*)::int as n from gone`;
  return row?.n ?? 0;
}

/** Changes of circuits, but for the last one of each: how it stands, and since when, is told as long as it stands so. */
export async function removeEvents({ sql }: Ledger, ageMs: number, { dryRun }: Way): Promise<number> {
  const old = sql`
    from circuit_events e where e.at < now() - ${ageMs} * interval '1 millisecond' and exists (
      select 1 from circuit_events n where n.provider = e.provider and n.deployment is not distinct from e.deployment and n.id > e.id)`;
  if (dryRun) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n ${old}`;
    return row?.n ?? 0;
  }
  // Ids are in the order of time: the oldest come first.
  const rows = await sql`delete from circuit_events where id in (select e.id ${old} order by e.id limit ${rowsAtOnce})`;
  return rows.count;
}

/** Deliveries of webhooks that were made or given up, and endpoints that have ended. */
export async function removeDeliveries({ sql }: Ledger, ageMs: number, { dryRun }: Way): Promise<number> {
  const old = sql`from webhook_deliveries d where d.finished_at < now() - ${ageMs} * interval '1 millisecond'`;
  if (dryRun) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n ${old}`;
    return row?.n ?? 0;
  }
  await sql`
    delete from webhook_endpoints e where e.ended_at < now() - ${ageMs} * interval '1 millisecond'
      and not exists (select 1 from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'pending')`;
  const rows = await sql`
    delete from webhook_deliveries where (event_id, endpoint_id) in (
      select d.event_id, d.endpoint_id ${old} order by d.finished_at limit ${rowsAtOnce})`;
  return rows.count;
}

/** Some milliseconds of work. */
const rowsAtOnce = 1_000;
