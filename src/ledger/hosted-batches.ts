/** Batches as callers over HTTP see them: those that came that way with what the fleet does for them, and all others. */
import type { ISql } from "postgres";
import { v7 as uuidv7 } from "uuid";
import { type BatchRow, type BatchView, batchView } from "./batches.ts";
import { addFile, type NewFile } from "./files.ts";
import type { Ledger } from "./ledger.ts";
import { storable } from "./storable.ts";

export type HostedOutcome = "completed" | "failed" | "expired" | "cancelled";

/** A line that cannot run, or what is wrong with the file. */
export interface LineError {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly line: number | null;
}

/** As it was when the batch was settled. */
export interface HostedSummary {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Failed, because the window was over. */
  readonly expired: number;
  /** Null: some of it is unknown. */
  readonly usage: {
    readonly input: number;
    readonly output: number;
    readonly cached: number;
    readonly reasoning: number;
  } | null;
  /** Null: several. */
  readonly model: string | null;
}

export interface Hosted {
  readonly wire: "openai" | "anthropic";
  readonly endpoint: string;
  readonly completionWindow: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** As its caller names it. */
  readonly inputFile: string;
  /** Whose limits its lines are charged to. */
  readonly apiKeyId: string | undefined;
  readonly outputFileId: string | undefined;
  readonly errorFileId: string | undefined;
  readonly outputExpiresSeconds: number | undefined;
  readonly expiresAt: Date;
  /** Lines of the file, once all were judged to be good. */
  readonly checkedLines: number | undefined;
  readonly inProgressAt: Date | undefined;
  readonly finalizingAt: Date | undefined;
  readonly cancellingAt: Date | undefined;
  readonly settledAt: Date | undefined;
  readonly outcome: HostedOutcome | undefined;
  readonly errors: readonly LineError[];
  readonly summary: HostedSummary | undefined;
}

export interface SeenBatch extends BatchView {
  /** Undefined: it came from the command line. */
  readonly hosted: Hosted | undefined;
}

interface Row extends BatchRow {
  readonly wire: "openai" | "anthropic" | null;
  readonly endpoint: string;
  readonly completion_window: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly input_file: string;
  readonly api_key_id: string | null;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly output_expires_seconds: number | null;
  readonly expires_at: Date;
  readonly checked_lines: number | null;
  readonly in_progress_at: Date | null;
  readonly finalizing_at: Date | null;
  readonly cancelling_at: Date | null;
  readonly settled_at: Date | null;
  readonly outcome: HostedOutcome | null;
  readonly errors: readonly LineError[] | null;
  readonly summary: HostedSummary | null;
}

const seen = (row: Row): SeenBatch => ({
  ...batchView(row),
  hosted: row.wire === null ? undefined : hostedOf(row, row.wire),
});

const hostedOf = (row: Row, wire: Hosted["wire"]): Hosted => ({
  wire,
  endpoint: row.endpoint,
  completionWindow: row.completion_window,
  metadata: row.metadata ?? undefined,
  inputFile: row.input_file,
  apiKeyId: row.api_key_id ?? undefined,
  outputFileId: row.output_file_id ?? undefined,
  errorFileId: row.error_file_id ?? undefined,
  outputExpiresSeconds: row.output_expires_seconds ?? undefined,
  expiresAt: row.expires_at,
  checkedLines: row.checked_lines ?? undefined,
  inProgressAt: row.in_progress_at ?? undefined,
  finalizingAt: row.finalizing_at ?? undefined,
  cancellingAt: row.cancelling_at ?? undefined,
  settledAt: row.settled_at ?? undefined,
  outcome: row.outcome ?? undefined,
  errors: row.errors ?? [],
  summary: row.summary ?? undefined,
});

const rows = (sql: ISql) => sql`
  select b.*, h.wire, h.endpoint, h.completion_window, h.metadata, h.input_file, h.api_key_id, h.output_file_id, h.error_file_id,
    h.output_expires_seconds, h.expires_at, h.checked_lines, h.in_progress_at, h.finalizing_at, h.cancelling_at, h.settled_at,
    h.outcome, h.errors, h.summary
  from batches b left join hosted_batches h on h.batch_id = b.id`;

/** `tenant` undefined: of all tenants. One that was deleted is not there any more. */
export async function seenBatch(
  { sql }: { readonly sql: ISql },
  id: string,
  tenant?: string,
): Promise<SeenBatch | undefined> {
  const [row] = await sql<Row[]>`
    ${rows(sql)} where b.id = ${id} and h.deleted_at is null
      and (${tenant ?? null}::text is null or b.tenant = ${tenant ?? null})`;
  return row === undefined ? undefined : seen(row);
}

export interface SeenQuery {
  readonly tenant: string | undefined;
  /** Undefined: of every wire, and those of the command line. */
  readonly wire: Hosted["wire"] | undefined;
  /** Older than this one. */
  readonly after?: string | undefined;
  /** Newer than this one, the nearest first. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function seenBatches({ sql }: Ledger, query: SeenQuery): Promise<SeenBatch[]> {
  const { tenant = null, wire = null, after = null, before = null, limit } = query;
  const found = await sql<Row[]>`
    ${rows(sql)} where (${tenant}::text is null or b.tenant = ${tenant}) and (${wire}::text is null or h.wire = ${wire})
      and h.deleted_at is null and (${after}::uuid is null or b.id < ${after}::uuid)
      and (${before}::uuid is null or b.id > ${before}::uuid)
    order by b.id ${before === null ? sql`desc` : sql`asc`} limit ${limit}`;
  return found.map(seen);
}

/** Takes it out of every list. False: it has not ended. */
export async function deleteHosted({ sql }: Ledger, id: string): Promise<boolean> {
  const rows = await sql`
    update hosted_batches set deleted_at = coalesce(deleted_at, now()), idempotency_key = null where batch_id = ${id} and settled_at is not null`;
  return rows.count > 0;
}

export interface NewHosted {
  readonly tenant: string;
  readonly wire: Hosted["wire"];
  readonly endpoint: string;
  readonly completionWindow: string;
  readonly windowMs: number;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly inputFile: string;
  readonly outputExpiresSeconds: number | undefined;
  /** Of everything that was asked for; equal means asked for again. */
  readonly fingerprint: string;
  readonly idempotencyKey: string | undefined;
  /** The key that it came with, where that has limits. */
  readonly apiKeyId?: string | undefined;
  /** The caller says that it sends this again because no answer came. */
  readonly sentAgain: boolean;
  /** Its input, where that comes with it. */
  readonly file?: NewFile;
  /** Lines that are known to be good, where they were judged as they came. */
  readonly checkedLines?: number;
}

export type OpenedHosted =
  | { readonly ok: true; readonly batch: SeenBatch; readonly fresh: boolean }
  /** The key came with something else before. */
  | { readonly ok: false };

/** A batch for each time that it is asked for: not for a key that is known, nor for what is sent again within a minute. */
export async function openHosted(ledger: Ledger, wanted: NewHosted): Promise<OpenedHosted> {
  return ledger.sql.begin(async (sql) => {
    const { tenant, fingerprint, idempotencyKey: key } = wanted;
    // In this order by all: who has a key waits for it first.
    for (const turn of [...(key === undefined ? [] : [`key ${key}`]), fingerprint]) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${tenant} || ' ' || ${turn}, 4915112104))`;
    }
    const known = await knownHosted(sql, wanted);
    if (known !== undefined) {
      const batch = await seenBatch({ sql }, known);
      if (batch !== undefined)
        return batch.fingerprint === fingerprint ? { ok: true, batch, fresh: false } : { ok: false };
    }
    const id = uuidv7();
    if (wanted.file !== undefined) await addFile({ sql }, wanted.file);
    await sql`
      insert into batches (id, tenant, state, source, fingerprint, options, total)
      values (${id}, ${tenant}, 'accepting', ${`http ${wanted.inputFile}`}, ${fingerprint}, '{}', 0)`;
    await sql`
      insert into hosted_batches (batch_id, tenant, wire, endpoint, completion_window, metadata, idempotency_key, input_file,
        api_key_id, output_expires_seconds, expires_at, checked_lines)
      values (${id}, ${tenant}, ${wanted.wire}, ${wanted.endpoint}, ${wanted.completionWindow},
        ${wanted.metadata === undefined ? null : storable(wanted.metadata)}::text::jsonb, ${key ?? null}, ${wanted.inputFile},
        ${wanted.apiKeyId ?? null}, ${wanted.outputExpiresSeconds ?? null}, now() + ${wanted.windowMs}::float8 * interval '1 millisecond', ${wanted.checkedLines ?? null})`;
    const batch = await seenBatch({ sql }, id);
    if (batch === undefined) throw new Error("openHosted: the new batch is not there");
    return { ok: true, batch, fresh: true };
  });
}

async function knownHosted(sql: ISql, wanted: NewHosted): Promise<string | undefined> {
  const { tenant, idempotencyKey: key, fingerprint, sentAgain } = wanted;
  const [byKey] =
    key === undefined
      ? []
      : await sql<{ id: string }[]>`
          select batch_id as id from hosted_batches where tenant = ${tenant} and idempotency_key = ${key}`;
  if (byKey !== undefined || key !== undefined || !sentAgain) return byKey?.id;
  const [newest] = await sql<{ id: string }[]>`
    select b.id from batches b join hosted_batches h on h.batch_id = b.id
    where b.tenant = ${tenant} and b.fingerprint = ${fingerprint} and b.created_at > now() - interval '1 minute'
    order by b.id desc limit 1`;
  return newest?.id;
}
