/**
 * The ledger's tables. Postgres is the truth: a request exists once its row does. Each index names the query it serves.
 * Ids are uuid v7 (time-ordered), so "newest first" is the primary key read backwards. Payloads are `json`, not `jsonb`:
 * kept byte for byte, and `\u0000`, which prompts do contain, is refused by jsonb.
 */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { requestStates } from "../request/lifecycle.ts";

const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });
const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
const nano = (name: string) => bigint(name, { mode: "bigint" });

export const requests = pgTable(
  "requests",
  {
    id: uuid("id").primaryKey(),
    tenant: text("tenant").notNull(),
    batchId: uuid("batch_id"),
    model: text("model").notNull(),
    deployment: text("deployment").notNull(),
    lane: text("lane").notNull(),
    /** Deployments given up on the way, with the reason: `[{deployment, kind, message}]`. */
    passedOver: jsonb("passed_over").notNull().default([]),
    priority: smallint("priority").notNull(),
    state: text("state").notNull(),
    dispatchNo: integer("dispatch_no").notNull().default(0),
    /** Provider calls spent, on all deployments and on the present one. */
    attempt: smallint("attempt").notNull().default(0),
    deploymentAttempt: smallint("deployment_attempt").notNull().default(0),
    lost: smallint("lost").notNull().default(0),
    /** Answers that were not of the form asked for. */
    schemaMisses: smallint("schema_misses").notNull().default(0),
    notBefore: at("not_before"),
    deadline: at("deadline"),
    estInputTokens: integer("est_input_tokens").notNull(),
    estOutputTokens: integer("est_output_tokens").notNull(),
    idempotencyKey: text("idempotency_key"),
    traceparent: text("traceparent"),
    /** Somebody waits for the answer or reads it as it comes. */
    replyWanted: boolean("reply_wanted").notNull().default(false),
    leaseToken: uuid("lease_token"),
    leaseUntil: at("lease_until"),
    dispatchedAt: at("dispatched_at"),
    dispatchEpoch: text("dispatch_epoch"),
    failureKind: text("failure_kind"),
    failureMessage: text("failure_message"),
    holdReason: text("hold_reason"),
    createdAt: at("created_at").notNull().defaultNow(),
    finishedAt: at("finished_at"),
  },
  (t) => [
    // The feeder: the head of each tenant's backlog, by lane and class.
    index("requests_backlog").on(t.lane, t.priority, t.tenant, t.id).where(sql`state = 'queued'`),
    // The feeder: waiting rows whose time has come.
    index("requests_due").on(t.notBefore).where(sql`state = 'waiting'`),
    // The reconciler: running rows whose lease ran out.
    index("requests_lease").on(t.leaseUntil).where(sql`state = 'running'`),
    // The reconciler: dispatched rows by lane and age, to look for their jobs.
    index("requests_dispatched").on(t.lane, t.dispatchedAt).where(sql`state = 'dispatched'`),
    // The reconciler: rows whose deadline passed before they ran.
    index("requests_deadline")
      .on(t.deadline)
      .where(sql`deadline is not null and state in ('queued', 'dispatched', 'waiting', 'held')`),
    // Accepting: the request that already carries this key.
    uniqueIndex("requests_idempotency").on(t.tenant, t.idempotencyKey).where(sql`idempotency_key is not null`),
    // A batch: how many of its requests are open, and in which state.
    index("requests_batch_open")
      .on(t.batchId, t.state)
      .where(sql`batch_id is not null and state in ('queued', 'dispatched', 'running', 'waiting', 'held')`),
    // A batch: what failed, for counts and for `retry --failed`.
    index("requests_batch_bad")
      .on(t.batchId, t.state)
      .where(sql`batch_id is not null and state in ('failed', 'cancelled')`),
    // A tenant's requests, newest first.
    index("requests_tenant").on(t.tenant, t.id),
    // An operator: what waits for a person.
    index("requests_held").on(t.id).where(sql`state = 'held'`),
    // Retention: what has ended, oldest first.
    index("requests_finished").on(t.finishedAt, t.id).where(sql`finished_at is not null`),
    check("requests_state", sql`state in (${sql.raw(requestStates.map((state) => `'${state}'`).join(", "))})`),
    check("requests_priority", sql`priority between 1 and 3`),
    // A lease token is the fence, and only a running row has one.
    check("requests_lease_token", sql`(state = 'running') = (lease_token is not null)`),
  ],
);

/** The body as the caller gave it and the final result, kept apart from the hot rows (claim check). Not changed before its request has ended. */
export const payloads = pgTable(
  "payloads",
  {
    requestId: uuid("request_id").notNull(),
    kind: text("kind").notNull(),
    content: json("content").notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
    /** What it says of persons and keys was masked after its end: it is no longer what was asked or answered. */
    masked: boolean("masked").notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.requestId, t.kind] })],
);

/** Sound of an answer, kept apart from what is read as JSON; it goes with the result. */
export const resultAudio = pgTable("result_audio", {
  requestId: uuid("request_id").primaryKey(),
  mediaType: text("media_type").notNull(),
  content: bytea("content").notNull(),
  createdAt: at("created_at").notNull().defaultNow(),
});

/** One row per provider call: the bill, the latency record and the ledger of duplicates. Insert only. */
export const attempts = pgTable(
  "attempts",
  {
    id: uuid("id").primaryKey(),
    requestId: uuid("request_id").notNull(),
    tenant: text("tenant").notNull(),
    batchId: uuid("batch_id"),
    dispatchNo: integer("dispatch_no").notNull(),
    attempt: smallint("attempt").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    deployment: text("deployment").notNull(),
    /** succeeded | failed | cancelled | superseded (a fenced worker's late answer) | lost (its worker died; may have been made) */
    outcome: text("outcome").notNull(),
    failureKind: text("failure_kind"),
    failureMessage: text("failure_message"),
    httpStatus: smallint("http_status"),
    providerRequestId: text("provider_request_id"),
    finishUnified: text("finish_unified"),
    finishRaw: text("finish_raw"),
    inputTokens: integer("input_tokens"),
    outputTokens: integer("output_tokens"),
    cacheReadTokens: integer("cache_read_tokens"),
    cacheWriteTokens: integer("cache_write_tokens"),
    reasoningTokens: integer("reasoning_tokens"),
    /** What usage has beside these columns (usage.ts): audio, images, seconds, characters, writes kept for an hour. */
    usageDetails: jsonb("usage_details"),
    /** Null: unknown price or unknown usage; never 0 for unknown. */
    costNanoUsd: nano("cost_nano_usd"),
    priceVersion: text("price_version"),
    streamed: boolean("streamed").notNull(),
    startedAt: at("started_at").notNull(),
    durationMs: integer("duration_ms").notNull(),
    firstTokenMs: integer("first_token_ms"),
    createdAt: at("created_at").notNull().defaultNow(),
    /** The transaction that wrote the row: lets the roll-up read each row exactly once (see stats.ts). */
    xact: xid8("xact").notNull().default(sql`pg_current_xact_id()`),
  },
  (t) => [
    // One request: its attempts.
    index("attempts_request").on(t.requestId),
    // `provider logs -p P`: newest first of one provider.
    index("attempts_provider").on(t.provider, t.id),
    // `provider logs --failed`.
    index("attempts_failed").on(t.id).where(sql`outcome <> 'succeeded'`),
    // A batch: tokens, cost and present rate.
    index("attempts_batch").on(t.batchId, t.createdAt).where(sql`batch_id is not null`),
    // The roll-up: rows of transactions not yet counted.
    index("attempts_xact").on(t.xact),
  ],
);

/** Attempts rolled up by hour, provider and model; one writer (the reconciler's leader), so no row contention. */
export const attemptStats = pgTable(
  "attempt_stats",
  {
    hour: at("hour").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    calls: bigint("calls", { mode: "number" }).notNull(),
    succeeded: bigint("succeeded", { mode: "number" }).notNull(),
    inputTokens: bigint("input_tokens", { mode: "number" }).notNull(),
    outputTokens: bigint("output_tokens", { mode: "number" }).notNull(),
    costNanoUsd: nano("cost_nano_usd").notNull(),
    /** Calls whose cost is unknown: they are missing from `cost_nano_usd`, so they are counted. */
    unpriced: bigint("unpriced", { mode: "number" }).notNull(),
    durationMs: bigint("duration_ms", { mode: "number" }).notNull(),
    firstTokenMs: bigint("first_token_ms", { mode: "number" }).notNull(),
    firstTokens: bigint("first_tokens", { mode: "number" }).notNull(),
    /** Durations of calls counted in quarter-octave buckets: bucket b holds durations near 2^(b/4) ms. */
    durationBuckets: bigint("duration_buckets", { mode: "number" }).array().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hour, t.provider, t.model] })],
);

export const files = pgTable(
  "files",
  {
    id: uuid("id").primaryKey(),
    tenant: text("tenant").notNull(),
    purpose: text("purpose").notNull(),
    filename: text("filename").notNull(),
    bytes: bigint("bytes", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    path: text("path").notNull(),
    idempotencyKey: text("idempotency_key"),
    createdAt: at("created_at").notNull().defaultNow(),
    expiresAt: at("expires_at"),
  },
  (t) => [
    // A tenant's files, newest first.
    index("files_tenant").on(t.tenant, t.id),
    // Uploading: the file that already carries this key.
    uniqueIndex("files_idempotency").on(t.tenant, t.idempotencyKey).where(sql`idempotency_key is not null`),
    // What may be removed.
    index("files_expiry").on(t.expiresAt).where(sql`expires_at is not null`),
  ],
);

export const batches = pgTable(
  "batches",
  {
    id: uuid("id").primaryKey(),
    tenant: text("tenant").notNull(),
    /** accepting | running | completed | cancelling | cancelled | failed; see docs/lifecycle.md. */
    state: text("state").notNull(),
    source: text("source").notNull(),
    /** sha-256 over the input and what changes its meaning; the same command finds its batch again by it. */
    fingerprint: text("fingerprint").notNull(),
    options: jsonb("options").notNull().default({}),
    total: integer("total").notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
    finishedAt: at("finished_at"),
  },
  (t) => [
    // `batch ls`: newest first.
    index("batches_tenant").on(t.tenant, t.id),
    // `batch run` again: the newest batch with this fingerprint.
    index("batches_fingerprint").on(t.tenant, t.fingerprint, t.id),
    // The reconciler: batches to finish.
    index("batches_open").on(t.id).where(sql`finished_at is null`),
    // Retention: batches that have ended, oldest first.
    index("batches_finished").on(t.finishedAt, t.id).where(sql`finished_at is not null`),
  ],
);

export const batchLines = pgTable(
  "batch_lines",
  {
    batchId: uuid("batch_id").notNull(),
    lineNo: integer("line_no").notNull(),
    customId: text("custom_id").notNull(),
    requestId: uuid("request_id").notNull(),
    /** Wire of the line, which is the wire of its answer: `openai`, `anthropic` or `plain`. */
    shape: text("shape").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.lineNo] }),
    // A line by its id; no id twice in a batch.
    uniqueIndex("batch_lines_custom_id").on(t.batchId, t.customId),
    // The line of a request.
    index("batch_lines_request").on(t.requestId),
  ],
);

/** What the rate-limit headers of a pool's last answer said, and the limits that the fleet follows now: what it learned. */
export const providerRateLimits = pgTable(
  "provider_rate_limits",
  {
    pool: text("pool").notNull(),
    dimension: text("dimension").notNull(),
    provider: text("provider").notNull(),
    limitValue: bigint("limit_value", { mode: "number" }),
    remaining: bigint("remaining", { mode: "number" }),
    resetMs: bigint("reset_ms", { mode: "number" }),
    observedAt: at("observed_at").notNull().defaultNow(),
    /** The limit that admission follows. Null: none known; a row may have only this, where no header speaks of the dimension. */
    followed: bigint("followed", { mode: "number" }),
  },
  (t) => [primaryKey({ columns: [t.pool, t.dimension] })],
);

/**
 * What calls of a deployment turned out to take, so that a new worker does not begin with guesses. Not in
 * provider_rate_limits: several deployments share a pool and its limits, and each has its own sizes.
 */
export const providerEstimates = pgTable("provider_estimates", {
  deployment: text("deployment").primaryKey(),
  provider: text("provider").notNull(),
  /** The provider's input tokens ÷ our estimate. */
  inputRatio: doublePrecision("input_ratio").notNull(),
  /** The 90th percentile of output tokens. Null: no answer yet. */
  outputTokens: bigint("output_tokens", { mode: "number" }),
  updatedAt: at("updated_at").notNull().defaultNow(),
});

/** Every change of a circuit, by the gate or by an operator. Insert only. */
export const circuitEvents = pgTable(
  "circuit_events",
  {
    id: uuid("id").primaryKey(),
    at: at("at").notNull().defaultNow(),
    provider: text("provider").notNull(),
    /** Null: a switch of the whole provider. */
    deployment: text("deployment"),
    fromState: text("from_state").notNull(),
    toState: text("to_state").notNull(),
    reason: text("reason").notNull(),
    by: text("by").notNull(),
  },
  (t) => [
    // `circuit status`: the latest of each deployment.
    index("circuit_events_target").on(t.provider, t.deployment, t.id),
    check("circuit_events_by", sql`"by" in ('gate', 'operator')`),
  ],
);

/** The configuration each provider runs with, written at start by whoever starts; credentials are never stored. */
export const providerConfigs = pgTable("provider_configs", {
  provider: text("provider").primaryKey(),
  baseUrl: text("base_url"),
  credentialPresent: boolean("credential_present").notNull(),
  pools: jsonb("pools").notNull(),
  updatedAt: at("updated_at").notNull().defaultNow(),
});

/** Who may call the HTTP side. The key itself is kept nowhere: only its digest. */
export const apiKeys = pgTable(
  "api_keys",
  {
    id: uuid("id").primaryKey(),
    tenant: text("tenant").notNull(),
    name: text("name").notNull(),
    /** Its first characters, to know it by. */
    prefix: text("prefix").notNull(),
    /** sha-256 of the key, in hex: it is 256 random bits, so nobody guesses it from that. */
    digest: text("digest").notNull(),
    scope: text("scope").notNull(),
    /** Of new work through this key, counted in Redis. Null: no limit of its own. */
    requestsPerMinute: integer("requests_per_minute"),
    tokensPerMinute: integer("tokens_per_minute"),
    createdAt: at("created_at").notNull().defaultNow(),
    expiresAt: at("expires_at"),
    revokedAt: at("revoked_at"),
  },
  (t) => [
    // A call: who holds this key.
    uniqueIndex("api_keys_digest").on(t.digest),
    check("api_keys_scope", sql`scope in ('admin', 'use')`),
  ],
);

/** Operator's switches that must outlive Redis: paused lanes, isolated providers and deployments. */
export const toggles = pgTable("toggles", {
  name: text("name").primaryKey(),
  reason: text("reason"),
  setAt: at("set_at").notNull().defaultNow(),
});

/** How many requests are open, for bounds on the backlog: see open-counts.ts. Never less than there are. */
export const openCounts = pgTable("open_counts", {
  /** `fleet`, or `tenant:` and its name. */
  scope: text("scope").primaryKey(),
  open: bigint("open", { mode: "number" }).notNull(),
  /** Of the time between the last two counts. Null: not counted twice. */
  endedPerSecond: doublePrecision("ended_per_second"),
  /** When rows were counted last, and how long that took. Null: never. */
  countedAt: at("counted_at"),
  tookMs: doublePrecision("took_ms"),
});

/** Small durable facts of the fleet itself: the Redis epoch last seen, how far the roll-up has read. */
export const fleetFacts = pgTable("fleet_facts", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
  setAt: at("set_at").notNull().defaultNow(),
});
