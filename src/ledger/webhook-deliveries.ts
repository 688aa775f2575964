/**
 * The sender's side of the outbox. A claim is a lease in the row itself: it makes the delivery due again later, so what a
 * killed sender had in hand is sent by the next one. The number of the attempt is its fence.
 */
import { type MicroBatch, microBatch } from "../runtime/micro-batch.ts";
import { despiteDeadlocks } from "./interruption.ts";
import type { Ledger } from "./ledger.ts";

export interface ClaimedDelivery {
  readonly eventId: string;
  readonly endpointId: string;
  readonly type: string;
  readonly subjectId: string;
  readonly occurredAt: Date;
  /** This attempt is the n-th. */
  readonly attempt: number;
  readonly url: string;
  readonly secret: string;
  /** Of its endpoint: attempts that failed one after the other. */
  readonly failures: number;
}

export interface DeliveryClaim {
  /** How many at most. */
  readonly limit: number;
  /** Of one endpoint at once; one that is failing gets one. */
  readonly perEndpoint: number;
  /** What this sender has in hand already, by endpoint. */
  readonly inHand: ReadonlyMap<string, number>;
  readonly leaseMs: number;
}

/** Due deliveries, in no fixed order of endpoints, so that many at some never keep the others waiting. */
export async function claimDeliveries(ledger: Ledger, claim: DeliveryClaim): Promise<ClaimedDelivery[]> {
  const busy = JSON.stringify([...claim.inHand].map(([id, count]) => ({ id, count })));
  const rows = await ledger.sql<Row[]>`
    with busy as (select * from json_to_recordset(${busy}::text::json) as b(id uuid, count int)),
    live as (
      select e.id, case when e.failures > 0 then 1 else ${claim.perEndpoint}::int end - coalesce(b.count, 0) as room
      from webhook_endpoints e left join busy b on b.id = e.id
      where e.ended_at is null and (e.quiet_until is null or e.quiet_until <= now()) order by random()
    ),
    due as materialized (
      select d.event_id, d.endpoint_id from live l cross join lateral (
        select event_id, endpoint_id from webhook_deliveries w
        where w.endpoint_id = l.id and w.state = 'pending' and w.next_at <= now()
        order by w.next_at limit greatest(0, l.room) for update skip locked
      ) d limit ${claim.limit}
    )
    update webhook_deliveries d set attempts = d.attempts + 1, next_at = now() + ${claim.leaseMs} * interval '1 millisecond'
    from due join webhook_endpoints e on e.id = due.endpoint_id
    where d.event_id = due.event_id and d.endpoint_id = due.endpoint_id
    returning d.event_id, d.endpoint_id, d.type, d.subject_id, d.occurred_at, d.attempts, e.url, e.secret, e.failures`;
  return rows.flatMap(({ secret, ...row }) =>
    secret === null
      ? []
      : {
          eventId: row.event_id,
          endpointId: row.endpoint_id,
          type: row.type,
          subjectId: row.subject_id,
          occurredAt: row.occurred_at,
          attempt: row.attempts,
          url: row.url,
          secret,
          failures: row.failures,
        },
  );
}

interface Row {
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly type: string;
  readonly subject_id: string;
  readonly occurred_at: Date;
  readonly attempts: number;
  readonly url: string;
  readonly secret: string | null;
  readonly failures: number;
}

export interface DeliveryEnd {
  readonly eventId: string;
  readonly endpointId: string;
  readonly attempt: number;
  readonly state: "delivered" | "pending" | "dead";
  readonly status?: number;
  readonly error?: string;
  /** With `pending`: when it is due again. */
  readonly delayMs?: number;
  /** The endpoint is sent nothing for so long. */
  readonly quietMs?: number;
  /** The endpoint ends. */
  readonly gone?: true;
}

export type SettleDelivery = MicroBatch<DeliveryEnd, void>;

/** How attempts ended, and with them their endpoint's health. A late one counts only if it delivered. */
export const settleDeliveries = (ledger: Ledger): SettleDelivery =>
  microBatch({
    maxItems: 256,
    lines: 1,
    send: async (ends) => {
      const statement = () => ledger.sql`
        with input as materialized (
          select * from json_to_recordset(${JSON.stringify(ends)}::text::json) as i("eventId" uuid, "endpointId" uuid,
            attempt int, state text, status int, error text, "delayMs" float8, "quietMs" float8, gone boolean)
        ),
        settled as (
          update webhook_deliveries d set state = i.state, last_status = i.status, last_error = i.error,
            next_at = case when i.state = 'pending' then now() + i."delayMs" * interval '1 millisecond' else d.next_at end,
            finished_at = case when i.state <> 'pending' then now() end
          from input i
          where d.event_id = i."eventId" and d.endpoint_id = i."endpointId" and d.state = 'pending'
            and (d.attempts = i.attempt or i.state = 'delivered')
          returning d.endpoint_id, i.state, i.error, i."quietMs", i.gone
        ),
        health as (
          select endpoint_id, bool_or(state = 'delivered') as well, count(*)::int as failed, max(error) as error,
            max("quietMs") as quiet_ms, bool_or(gone) as gone
          from settled group by endpoint_id
        )
        update webhook_endpoints e set
          last_success_at = case when h.well then now() else e.last_success_at end,
          failures = case when h.well then 0 else e.failures + h.failed end,
          failing_since = case when not h.well then coalesce(e.failing_since, now()) end,
          last_error = case when h.well then e.last_error else h.error end,
          quiet_until = case when not h.well and h.quiet_ms > 0 then now() + h.quiet_ms * interval '1 millisecond' end,
          ended_at = case when h.gone then coalesce(e.ended_at, now()) else e.ended_at end,
          end_reason = case when h.gone then coalesce(e.end_reason, 'gone') else e.end_reason end,
          secret = case when h.gone then null else e.secret end
        from health h
        where e.id = h.endpoint_id and (not h.well or coalesce(h.gone, false) or e.failures > 0 or e.last_success_at is null
          or e.last_success_at < now() - interval '5 seconds')`;
      await despiteDeadlocks(statement);
      return ends.map(() => undefined);
    },
  });

/** Attempts that were broken off by us: as if never begun, and due at once. */
export async function handBackDeliveries({ sql }: Ledger, taken: readonly ClaimedDelivery[]): Promise<void> {
  if (taken.length === 0) return;
  const input = taken.map(({ eventId, endpointId, attempt }) => ({ eventId, endpointId, attempt }));
  await sql`
    update webhook_deliveries d set attempts = d.attempts - 1, next_at = now()
    from json_to_recordset(${JSON.stringify(input)}::text::json) as i("eventId" uuid, "endpointId" uuid, attempt int)
    where d.event_id = i."eventId" and d.endpoint_id = i."endpointId" and d.state = 'pending' and d.attempts = i.attempt`;
}

/** Some milliseconds of work. */
const atOnce = 1_000;

/**
 * Gives up what nobody will take: of endpoints that have ended, and what has waited `givenUpMs` for one that failed all that
 * time, for it would be in the way of newer ones. Returns how many; a full thousand: there may be more.
 */
export async function giveUpDeliveries({ sql }: Ledger, givenUpMs: number): Promise<number> {
  const rows = await sql`
    update webhook_deliveries set state = 'dead', finished_at = now()
    where (event_id, endpoint_id) in (
      select d.event_id, d.endpoint_id from webhook_endpoints e cross join lateral (
        select event_id, endpoint_id from webhook_deliveries w
        where w.endpoint_id = e.id and w.state = 'pending'
          and (e.ended_at is not null or w.next_at < now() - ${givenUpMs} * interval '1 millisecond')
        order by w.next_at limit ${atOnce}
      ) d
      where e.ended_at is not null or e.failing_since < now() - ${givenUpMs} * interval '1 millisecond'
      limit ${atOnce}
    ) and state = 'pending'`;
  return rows.count;
}
