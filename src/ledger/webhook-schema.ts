/** The tables of webhooks: who is told, and what is still to be told. See schema.ts for the others and the rules. */
import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** Who is told when something of a tenant ends. */
export const webhookEndpoints = pgTable(
  "webhook_endpoints",
  {
    id: uuid("id").primaryKey(),
    tenant: text("tenant").notNull(),
    url: text("url").notNull(),
    /** It signs, so it is kept as it is; null once the endpoint has ended. */
    secret: text("secret"),
    /** Names of events that it is told of. */
    events: jsonb("events").notNull(),
    /** Whether it is told of requests that belong to batches, too. */
    batchRequests: boolean("batch_requests").notNull().default(false),
    idempotencyKey: text("idempotency_key"),
    createdAt: at("created_at").notNull().defaultNow(),
    endedAt: at("ended_at"),
    /** revoked | gone (it answered 410) */
    endReason: text("end_reason"),
    /** Written at most every few seconds. */
    lastSuccessAt: at("last_success_at"),
    /** Attempts that failed one after the other, and since when. */
    failures: integer("failures").notNull().default(0),
    failingSince: at("failing_since"),
    lastError: text("last_error"),
    /** Nothing is sent before. */
    quietUntil: at("quiet_until"),
  },
  (t) => [
    // An end: who is to be told.
    index("webhook_endpoints_tenant").on(t.tenant).where(sql`ended_at is null`),
    // Registering: the endpoint that already carries this key; one that has ended gives it back.
    uniqueIndex("webhook_endpoints_idempotency")
      .on(t.tenant, t.idempotencyKey)
      .where(sql`idempotency_key is not null and ended_at is null`),
    check("webhook_endpoints_reason", sql`end_reason in ('revoked', 'gone')`),
  ],
);

/** The outbox: a row for each event and endpoint, written by the statement that ends what it tells of. */
export const webhookDeliveries = pgTable(
  "webhook_deliveries",
  {
    eventId: uuid("event_id").notNull(),
    endpointId: uuid("endpoint_id").notNull(),
    type: text("type").notNull(),
    /** The request or batch that ended. */
    subjectId: uuid("subject_id").notNull(),
    occurredAt: at("occurred_at").notNull().defaultNow(),
    /** pending | delivered | dead */
    state: text("state").notNull().default("pending"),
    /** Begun; it is the fence of whoever sends. */
    attempts: smallint("attempts").notNull().default(0),
    /** When it may be sent: while somebody sends it, when that is taken to have failed. */
    nextAt: at("next_at").notNull().defaultNow(),
    lastStatus: smallint("last_status"),
    lastError: text("last_error"),
    finishedAt: at("finished_at"),
  },
  (t) => [
    primaryKey({ columns: [t.eventId, t.endpointId] }),
    // The sender: what is due at an endpoint.
    index("webhook_deliveries_due").on(t.endpointId, t.nextAt).where(sql`state = 'pending'`),
    // Retention: what has ended, oldest first.
    index("webhook_deliveries_finished").on(t.finishedAt).where(sql`finished_at is not null`),
    check("webhook_deliveries_state", sql`state in ('pending', 'delivered', 'dead')`),
  ],
);
