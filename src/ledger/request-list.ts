/**
 * Requests by page, newest first, by keyset on their time-ordered ids: as fast with ten million rows as with ten. What a filter
 * fits is looked for among so many rows for one page; the page says where to go on, also when it found nothing.
 */
import type { RequestState } from "../request/lifecycle.ts";
import type { PassedOver } from "./claim.ts";
import { firstIdOf } from "./first-id.ts";
import type { Ledger } from "./ledger.ts";

export interface RequestQuery {
  readonly limit: number;
  /** Older than this id. */
  readonly after?: string | undefined;
  /** Newer than this id: those next to it. */
  readonly before?: string | undefined;
  readonly state?: RequestState | undefined;
  readonly model?: string | undefined;
  readonly tenant?: string | undefined;
  readonly batchId?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
}

export interface RequestLine {
  readonly id: string;
  readonly tenant: string;
  readonly batchId: string | null;
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: number;
  readonly state: RequestState;
  readonly passedOver: readonly PassedOver[];
  readonly failureKind: string | null;
  readonly failureMessage: string | null;
  readonly holdReason: string | null;
  readonly notBefore: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface RequestPage {
  /** Newest first, whichever way was gone. */
  readonly lines: readonly RequestLine[];
  /** The id from which to go on in the same direction; undefined: there is no more. */
  readonly next: string | undefined;
}

/** Rows that are looked at for one page. */
const mostLookedAt = 10_000;
/** Ids are of their producer's clock, times of the database's. */
const clocksApartMs = 3_600_000;

export async function listRequests(ledger: Ledger, query: RequestQuery): Promise<RequestPage> {
  const { sql } = ledger;
  const { limit, state, model, createdAfter, createdBefore } = query;
  const direction = directionOf(ledger, query);
  const rows = await sql<RequestLine[]>`
    select id, tenant, batch_id as "batchId", model, deployment, lane, priority, state, passed_over as "passedOver",
      failure_kind as "failureKind", failure_message as "failureMessage", hold_reason as "holdReason",
      not_before as "notBefore", created_at as "createdAt", finished_at as "finishedAt"
    from (select * from requests where ${placeOf(ledger, query)} order by id ${direction} limit ${mostLookedAt}) as near
    where true
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${model === undefined ? sql`` : sql`and model = ${model}`}
      ${createdAfter === undefined ? sql`` : sql`and created_at > ${createdAfter}`}
      ${createdBefore === undefined ? sql`` : sql`and created_at < ${createdBefore}`}
    order by id ${direction} limit ${limit + 1}`;
  const lines = rows.slice(0, limit);
  const next = rows.length > limit ? lines.at(-1)?.id : await lastLookedAt(ledger, query);
  return { lines: query.before === undefined ? lines : lines.reverse(), next };
}

const directionOf = ({ sql }: Ledger, { before }: RequestQuery) => (before === undefined ? sql`desc` : sql`asc`);

/** Where to look: what the indexes know. */
function placeOf({ sql }: Ledger, { tenant, batchId, after, before, createdAfter, createdBefore }: RequestQuery) {
  return sql`true
    ${tenant === undefined ? sql`` : sql`and tenant = ${tenant}`}
    ${batchId === undefined ? sql`` : sql`and id in (select request_id from batch_lines where batch_id = ${batchId})`}
    ${after === undefined ? sql`` : sql`and id < ${after}`}
    ${before === undefined ? sql`` : sql`and id > ${before}`}
    ${createdAfter === undefined ? sql`` : sql`and id > ${firstIdOf(createdAfter.getTime() - clocksApartMs)}`}
    ${createdBefore === undefined ? sql`` : sql`and id < ${firstIdOf(createdBefore.getTime() + clocksApartMs)}`}`;
}

/** Undefined: every row there is was looked at. */
async function lastLookedAt(ledger: Ledger, query: RequestQuery): Promise<string | undefined> {
  const { sql } = ledger;
  const [last] = await sql<{ readonly id: string }[]>`
    select id from requests where ${placeOf(ledger, query)}
    order by id ${directionOf(ledger, query)} offset ${mostLookedAt - 1} limit 1`;
  return last?.id;
}
