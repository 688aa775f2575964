/** Addresses that are told of ends: registered, listed, revoked. */
import type { ISql } from "postgres";
import { v7 as uuidv7 } from "uuid";
import type { Ledger } from "./ledger.ts";

export interface NewEndpoint {
  readonly tenant: string;
  readonly url: string;
  readonly secret: string;
  readonly events: readonly string[];
  /** Of requests that belong to batches, too. */
  readonly batchRequests: boolean;
}

export interface EndpointView {
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly batchRequests: boolean;
  readonly createdAt: Date;
  readonly endedAt: Date | undefined;
  readonly endReason: "revoked" | "gone" | undefined;
  readonly lastSuccessAt: Date | undefined;
  /** Attempts that failed one after the other. */
  readonly failures: number;
  readonly failingSince: Date | undefined;
  readonly lastError: string | undefined;
  /** What is still to be sent; counted up to a thousand. */
  readonly pending: number;
}

/** Of each tenant, at once: an end writes a row for each. */
export const mostEndpoints = 20;

/** Undefined: the tenant has as many as it may have. */
export async function createEndpoint({ sql }: Ledger, endpoint: NewEndpoint): Promise<EndpointView | undefined> {
  return sql.begin(async (inner) => {
    await lockEndpoints(inner, endpoint.tenant);
    return insertEndpoint(inner, endpoint, undefined);
  });
}

export type CreatedOnce =
  /** `secret`: of the endpoint that is there; not the one that was offered when the key had brought it before. */
  | { readonly ok: true; readonly endpoint: EndpointView; readonly secret: string }
  /** `otherBody`: the key came with another wish before. */
  | { readonly ok: false; readonly reason: "tooMany" | "otherBody" };

/** An endpoint for each key, however many come with it at once. One that has ended gives its key back. */
export async function createEndpointOnce({ sql }: Ledger, endpoint: NewEndpoint, key: string): Promise<CreatedOnce> {
  const { tenant, url, events, batchRequests, secret } = endpoint;
  return sql.begin(async (inner) => {
    await lockEndpoints(inner, tenant);
    const [known] = await inner<(Row & { readonly secret: string; readonly same: boolean })[]>`
      select e.*, ${pendingOf(inner)}, url = ${url} and batch_requests = ${batchRequests}
        and events = ${JSON.stringify(events)}::text::jsonb as same
      from webhook_endpoints e where tenant = ${tenant} and idempotency_key = ${key} and ended_at is null`;
    if (known !== undefined) {
      return known.same
        ? { ok: true, endpoint: viewOf(known), secret: known.secret }
        : { ok: false, reason: "otherBody" };
    }
    const created = await insertEndpoint(inner, endpoint, key);
    return created === undefined ? { ok: false, reason: "tooMany" } : { ok: true, endpoint: created, secret };
  });
}

/** Those that make endpoints of a tenant take turns. */
const lockEndpoints = (sql: ISql, tenant: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended('webhooks ' || ${tenant}, 4915112103))`;

async function insertEndpoint(
  sql: ISql,
  { tenant, url, secret, events, batchRequests }: NewEndpoint,
  key: string | undefined,
): Promise<EndpointView | undefined> {
  const [row] = await sql<Row[]>`
    insert into webhook_endpoints (id, tenant, url, secret, events, batch_requests, idempotency_key)
    select ${uuidv7()}::uuid, ${tenant}, ${url}, ${secret}, ${JSON.stringify(events)}::text::jsonb, ${batchRequests}, ${key ?? null}
    where (select count(*) from webhook_endpoints where tenant = ${tenant} and ended_at is null) < ${mostEndpoints}
    returning *, 0 as pending`;
  return row === undefined ? undefined : viewOf(row);
}

/** Of one tenant, or of all: those that have ended last, else newest first. */
export async function listEndpoints({ sql }: Ledger, tenant?: string): Promise<EndpointView[]> {
  const rows = await sql<Row[]>`
    select e.*, ${pendingOf(sql)} from webhook_endpoints e ${tenant === undefined ? sql`` : sql`where e.tenant = ${tenant}`}
    order by e.ended_at is not null, e.id desc limit 1000`;
  return rows.map(viewOf);
}

/** Undefined: there is none, or it is another tenant's. */
export async function endpointById({ sql }: Ledger, id: string, tenant?: string): Promise<EndpointView | undefined> {
  const [row] = await sql<Row[]>`
    select e.*, ${pendingOf(sql)} from webhook_endpoints e
    where e.id::text = ${id} ${tenant === undefined ? sql`` : sql`and e.tenant = ${tenant}`}`;
  return row === undefined ? undefined : viewOf(row);
}

const pendingOf = (sql: ISql) => sql`
  (select count(*)::int from (
    select 1 from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'pending' limit 1000) p) as pending`;

/** Ends it and forgets its secret; what was still to be sent is given up. Undefined: there is none, or it is another tenant's. */
export async function revokeEndpoint({ sql }: Ledger, id: string, tenant?: string): Promise<EndpointView | undefined> {
  const [row] = await sql<Row[]>`
    update webhook_endpoints set ended_at = coalesce(ended_at, now()), end_reason = coalesce(end_reason, 'revoked'), secret = null
    where id::text = ${id} ${tenant === undefined ? sql`` : sql`and tenant = ${tenant}`}
    returning *, 0 as pending`;
  return row === undefined ? undefined : viewOf(row);
}

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly batch_requests: boolean;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  readonly end_reason: "revoked" | "gone" | null;
  readonly last_success_at: Date | null;
  readonly failures: number;
  readonly failing_since: Date | null;
  readonly last_error: string | null;
  readonly pending: number;
}

const viewOf = (row: Row): EndpointView => ({
  id: row.id,
  tenant: row.tenant,
  url: row.url,
  events: row.events,
  batchRequests: row.batch_requests,
  createdAt: row.created_at,
  endedAt: row.ended_at ?? undefined,
  endReason: row.end_reason ?? undefined,
  lastSuccessAt: row.last_success_at ?? undefined,
  failures: row.failures,
  failingSince: row.failing_since ?? undefined,
  lastError: row.last_error ?? undefined,
  pending: row.pending,
});
