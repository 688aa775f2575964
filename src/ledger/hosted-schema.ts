/** The table of batches that the fleet itself hosts; see schema.ts for the others. */
import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/**
 * Batches that came over HTTP, beside their rows in `batches`: what the fleet itself does with them, from the file that was
 * uploaded to the files that are fetched. One process at a time has such a batch in hand, by its lease.
 */
export const hostedBatches = pgTable(
  "hosted_batches",
  {
    batchId: uuid("batch_id").primaryKey(),
    tenant: text("tenant").notNull(),
    /** Whose shape of a batch it has: `openai` or `anthropic`. */
    wire: text("wire").notNull(),
    endpoint: text("endpoint").notNull(),
    completionWindow: text("completion_window").notNull(),
    metadata: jsonb("metadata"),
    idempotencyKey: text("idempotency_key"),
    /** Whose limits its lines are charged to. Null: it came with a key that has none, or without a key. */
    apiKeyId: uuid("api_key_id"),
    /** As its caller names it; there may be no such file. */
    inputFile: text("input_file").notNull(),
    outputFileId: uuid("output_file_id"),
    errorFileId: uuid("error_file_id"),
    outputExpiresSeconds: integer("output_expires_seconds"),
    /** End of its window: lines that have not run by then expire. */
    expiresAt: at("expires_at").notNull(),
    /** Lines of its file, once all were judged to be good. */
    checkedLines: integer("checked_lines"),
    inProgressAt: at("in_progress_at"),
    finalizingAt: at("finalizing_at"),
    cancellingAt: at("cancelling_at"),
    settledAt: at("settled_at"),
    /** completed | failed | expired | cancelled; null: not settled. */
    outcome: text("outcome"),
    /** Of outcome `failed`: the bad lines, `[{code, message, param, line}]`. */
    errors: jsonb("errors"),
    /** Counts and usage as they were when it was settled. */
    summary: jsonb("summary"),
    deletedAt: at("deleted_at"),
    leaseToken: uuid("lease_token"),
    leaseUntil: at("lease_until"),
    /** Nothing is to be done before. */
    lookAfter: at("look_after"),
  },
  (t) => [
    // Its runner: what is not settled.
    index("hosted_batches_open").on(t.batchId).where(sql`settled_at is null`),
    // Creating: the batch that already carries this key.
    uniqueIndex("hosted_batches_idempotency").on(t.tenant, t.idempotencyKey).where(sql`idempotency_key is not null`),
    // Removing a file: who still reads it.
    index("hosted_batches_input").on(t.inputFile).where(sql`settled_at is null`),
    check("hosted_batches_outcome", sql`(settled_at is null) = (outcome is null)`),
  ],
);
