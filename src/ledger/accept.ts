/** Accepting: rows and payloads in one statement. When it returns, the requests are durable (invariant 1). */
import type { ISql } from "postgres";
import type { Body } from "../request/body.ts";
import type { PriorityNumber } from "../request/priority.ts";
import { type MicroBatch, microBatch } from "../runtime/micro-batch.ts";
import { isRowRefused } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";
import { tellOfRequests } from "./webhook-outbox.ts";

/** Wire of a line of a batch, which is the wire of its answer. */
export type LineShape = "openai" | "openai-response" | "anthropic" | "plain";

export interface NewRequest {
  readonly id: string;
  readonly tenant: string;
  readonly batchId?: string;
  readonly line?: { readonly no: number; readonly customId: string; readonly shape: LineShape };
  readonly model: string;
  readonly deployment: string;
  readonly lane: string;
  readonly priority: PriorityNumber;
  readonly body: Body;
  readonly estInputTokens: number;
  readonly estOutputTokens: number;
  readonly deadline?: Date;
  readonly idempotencyKey?: string;
  readonly traceparent?: string;
  readonly replyWanted?: boolean;
  /** Set when the producer will put the job into the lane itself: the row is born dispatched, number 1. */
  readonly dispatchEpoch?: string;
  /** Set when its acceptor calls for it at once: the row is born running, its first attempt counted. */
  readonly claim?: { readonly leaseToken: string; readonly leaseMs: number };
}

/**
 * Inserts what is not there yet and returns the ids of the new rows. A request whose id, batch line or idempotency key
 * is known already is left alone, so that accepting again after a lost answer is safe.
 */
export async function acceptRequests(
  { sql }: { readonly sql: ISql },
  rows: readonly NewRequest[],
): Promise<ReadonlySet<string>> {
  const column = <Value>(pick: (row: NewRequest) => Value): Value[] => rows.map(pick);
  const accepted = await sql<{ id: string }[]>`
    with input as materialized (
      select * from unnest(
        ${column((r) => r.id)}::uuid[], ${column((r) => r.tenant)}::text[], ${column((r) => r.batchId ?? null)}::uuid[],
        ${column((r) => r.line?.no ?? null)}::int[], ${column((r) => r.line?.customId ?? null)}::text[],
        ${column((r) => r.line?.shape ?? null)}::text[], ${column((r) => r.model)}::text[],
        ${column((r) => r.deployment)}::text[], ${column((r) => r.lane)}::text[], ${column((r) => r.priority)}::int[],
        ${column((r) => JSON.stringify(r.body))}::text[], ${column((r) => r.estInputTokens)}::int[],
        ${column((r) => r.estOutputTokens)}::int[], ${column((r) => r.deadline?.toISOString() ?? null)}::text[],
        ${column((r) => r.idempotencyKey ?? null)}::text[], ${column((r) => r.traceparent ?? null)}::text[],
        ${column((r) => String(r.replyWanted ?? false))}::text[], ${column((r) => r.dispatchEpoch ?? null)}::text[],
        ${column((r) => r.claim?.leaseToken ?? null)}::uuid[], ${column((r) => r.claim?.leaseMs ?? null)}::float8[]
      ) as i(id, tenant, batch_id, line_no, custom_id, shape, model, deployment, lane, priority, body, est_input_tokens,
        est_output_tokens, deadline, idempotency_key, traceparent, reply_wanted, dispatch_epoch, lease_token, lease_ms)
    ),
    lines as (
      insert into batch_lines (batch_id, line_no, custom_id, request_id, shape)
      select batch_id, line_no, custom_id, id, shape from input where line_no is not null
      on conflict do nothing returning request_id
    ),
    accepted as (
      insert into requests (id, tenant, batch_id, model, deployment, lane, priority, state, dispatch_no, dispatched_at,
        dispatch_epoch, lease_token, lease_until, attempt, deployment_attempt,
        est_input_tokens, est_output_tokens, deadline, idempotency_key, traceparent, reply_wanted)
      select id, tenant, batch_id, model, deployment, lane, priority,
        case when lease_token is not null then 'running' when dispatch_epoch is null then 'queued' else 'dispatched' end,
        case when lease_token is null and dispatch_epoch is null then 0 else 1 end,
        case when lease_token is null and dispatch_epoch is null then null else now() end,
        dispatch_epoch, lease_token, now() + lease_ms * interval '1 millisecond',
        case when lease_token is null then 0 else 1 end, case when lease_token is null then 0 else 1 end,
         est_input_tokens, est_output_tokens, deadline::timestamptz, idempotency_key, traceparent, reply_wanted::boolean
      from input where line_no is null or id in (select request_id from lines)
      on conflict do nothing returning id
    ),
    stored as (
      insert into payloads (request_id, kind, content)
      select i.id, 'body', i.body::json from input i join accepted a on a.id = i.id
    )
    select id from accepted`;
  return new Set(accepted.map((row) => row.id));
}

/** Rows that are born and cancelled in one commit: nobody ever runs them. */
export const acceptCancelled = (ledger: Ledger, rows: readonly NewRequest[]): Promise<ReadonlySet<string>> =>
  ledger.sql.begin(async (sql) => {
    const ids = await acceptRequests({ sql }, rows);
    await sql`
      with moved as (
        update requests set state = 'cancelled', finished_at = now() where id = any(${[...ids]}::uuid[])
        returning id, tenant, batch_id, state
      )
      ${tellOfRequests(sql)}`;
    return ids;
  });

/** `acceptRequests` for callers that come one by one: those who come while others are on their way share a commit. */
export type AcceptRequests = MicroBatch<readonly NewRequest[], ReadonlySet<string>>;

/** A list that is long already travels alone. */
const longList = 32;

export function acceptInGroups(ledger: Ledger): AcceptRequests {
  const grouped: AcceptRequests = microBatch({
    maxItems: longList,
    lines: 3,
    faultOfOne: isRowRefused,
    send: async (lists) => {
      const accepted = await acceptRequests(ledger, lists.flat());
      return lists.map(() => accepted);
    },
  });
  return (rows) => (rows.length > longList ? acceptRequests(ledger, rows) : grouped(rows));
}

/** The request that carries this idempotency key, if any. */
export async function requestWithKey(ledger: Ledger, tenant: string, key: string): Promise<string | undefined> {
  const [row] = await ledger.sql<{ id: string }[]>`
    select id from requests where tenant = ${tenant} and idempotency_key = ${key}`;
  return row?.id;
}

/** Those whose idempotency key no request carries yet. */
export async function withoutKnownKeys<Row extends Pick<NewRequest, "tenant" | "idempotencyKey">>(
  ledger: Ledger,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  const keyed = rows.flatMap(({ tenant, idempotencyKey: key }) => (key === undefined ? [] : [{ tenant, key }]));
  if (keyed.length === 0) return rows;
  const known = await ledger.sql<{ tenant: string; key: string }[]>`
    select r.tenant, r.idempotency_key as key
    from unnest(${keyed.map(({ tenant }) => tenant)}::text[], ${keyed.map(({ key }) => key)}::text[]) as k(tenant, key)
    join requests r on r.tenant = k.tenant and r.idempotency_key = k.key`;
  const keys = new Set(known.map((row) => JSON.stringify([row.tenant, row.key])));
  return rows.filter((row) => !keys.has(JSON.stringify([row.tenant, row.idempotencyKey])));
}
