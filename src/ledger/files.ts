/** Files that callers handed in and files that batches made: what is known of them. Their bytes are on disk, by `name`. */
import type { ISql } from "postgres";
import { type Capture, captureOf, type Retention } from "../config/retention.ts";
import type { Ledger } from "./ledger.ts";

export interface FileView {
  readonly id: string;
  readonly tenant: string;
  readonly purpose: string;
  /** As its caller calls it. */
  readonly filename: string;
  readonly bytes: number;
  readonly sha256: string;
  /** On disk. */
  readonly name: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
}

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly purpose: string;
  readonly filename: string;
  readonly bytes: string;
  readonly sha256: string;
  readonly path: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

const viewOf = (row: Row): FileView => ({
  id: row.id,
  tenant: row.tenant,
  purpose: row.purpose,
  filename: row.filename,
  bytes: Number(row.bytes),
  sha256: row.sha256,
  name: row.path,
  createdAt: row.created_at,
  expiresAt: row.expires_at ?? undefined,
});

export interface NewFile extends Omit<FileView, "createdAt" | "expiresAt"> {
  /** From now; undefined: kept until somebody removes it. */
  readonly expiresSeconds: number | undefined;
}

/** Purposes of files that nobody but the fleet itself sees. */
const hiddenPurpose = "message_batch";

export async function addFile({ sql }: { readonly sql: ISql }, file: NewFile): Promise<FileView> {
  const added = await insertFile(sql, file, undefined);
  if (added === undefined) throw new Error("addFile: insert returned no row");
  return added;
}

export type AddedFile =
  /** `fresh`: false when its idempotency key had brought it before. */
  | { readonly ok: true; readonly file: FileView; readonly fresh: boolean }
  /** The key came with another file, or with other words about it. */
  | { readonly ok: false };

/** A file for each key, however many come with it at once. A file that is gone, or whose time is over, gives its key back. */
export async function addFileOnce({ sql }: Ledger, file: NewFile, key: string): Promise<AddedFile> {
  const { tenant, purpose, filename, sha256, expiresSeconds = null } = file;
  const carrier = sql`tenant = ${tenant} and idempotency_key = ${key}`;
  for (;;) {
    await sql`update files set idempotency_key = null where ${carrier} and expires_at <= now()`;
    const added = await insertFile(sql, file, key);
    if (added !== undefined) return { ok: true, file: added, fresh: true };
    const [row] = await sql<(Row & { readonly same: boolean })[]>`
      select *, purpose = ${purpose} and filename = ${filename} and sha256 = ${sha256}
        and expires_at is not distinct from created_at + ${expiresSeconds}::int * interval '1 second' as same
      from files where ${carrier}`;
    // It may have been removed meanwhile.
    if (row !== undefined) return row.same ? { ok: true, file: viewOf(row), fresh: false } : { ok: false };
  }
}

/** Undefined: a file carries this key already. */
async function insertFile(sql: ISql, file: NewFile, key: string | undefined): Promise<FileView | undefined> {
  const [row] = await sql<Row[]>`
    insert into files (id, tenant, purpose, filename, bytes, sha256, path, idempotency_key, expires_at)
    values (${file.id}, ${file.tenant}, ${file.purpose}, ${file.filename}, ${file.bytes}, ${file.sha256}, ${file.name},
      ${key ?? null}, now() + ${file.expiresSeconds ?? null}::int * interval '1 second')
    on conflict (tenant, idempotency_key) where idempotency_key is not null do nothing
    returning *`;
  return row === undefined ? undefined : viewOf(row);
}

/** Undefined: there is none, it is another tenant's, or its time is over. `tenant` undefined: of all tenants. */
export async function fileById({ sql }: Ledger, id: string, tenant?: string): Promise<FileView | undefined> {
  const [row] = await sql<Row[]>`
    select * from files where id = ${id} and (${tenant ?? null}::text is null or tenant = ${tenant ?? null})
      and (expires_at is null or expires_at > now())`;
  return row === undefined ? undefined : viewOf(row);
}

export interface FilesQuery {
  readonly tenant: string | undefined;
  readonly purpose: string | undefined;
  /** Id of the last file of the page before. */
  readonly after: string | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

export async function filePage({ sql }: Ledger, query: FilesQuery): Promise<FileView[]> {
  const { tenant = null, purpose = null, after = null, order, limit } = query;
  const place = order === "asc" ? sql`id > ${after}::uuid` : sql`id < ${after}::uuid`;
  const rows = await sql<Row[]>`
    select * from files where (${tenant}::text is null or tenant = ${tenant}) and purpose <> ${hiddenPurpose}
      and (${purpose}::text is null or purpose = ${purpose}) and (${after}::uuid is null or ${place})
      and (expires_at is null or expires_at > now())
    order by id ${order === "asc" ? sql`asc` : sql`desc`} limit ${limit}`;
  return rows.map(viewOf);
}

/** `inUse`: a batch still has lines to take out of it, if only to say that they were cancelled. */
export async function removeFile({ sql }: Ledger, id: string): Promise<"removed" | "inUse"> {
  const rows = await sql`delete from files f where f.id = ${id} and not ${readBy(sql)}`;
  if (rows.count > 0) return "removed";
  const [left] = await sql`select 1 from files where id = ${id}`;
  return left === undefined ? "removed" : "inUse";
}

const readBy = (sql: ISql) => sql`exists (
  select 1 from hosted_batches h join batches b on b.id = h.batch_id
  where h.input_file = 'file-' || replace(f.id::text, '-', '') and h.settled_at is null
    and b.state in ('accepting', 'cancelling', 'cancelled'))`;

export interface FilesKept {
  readonly retention: Retention;
  readonly capture: Capture;
}

const atOnce = 1_000;
const madeByBatches = ["batch_output"];

/**
 * Files whose time is over, by their own end or because what is in them (prompts, answers) is kept no longer than that: a
 * tenant whose contents are not captured whole has its files for the delivery window. Their bytes go with the next sweep.
 */
export async function removeOldFiles({ sql }: Ledger, kept: FilesKept, dryRun: boolean): Promise<number> {
  const { payloadsDays = null, resultsDays = null } = kept.retention;
  const { capture } = kept;
  const named = Object.keys(capture.tenants).filter(
    (tenant) => (captureOf(capture, tenant) === "on") !== isOn(capture),
  );
  const passing = isOn(capture) ? sql`f.tenant = any(${named}::text[])` : sql`f.tenant <> all(${named}::text[])`;
  const old = sql`
    select f.id from files f where not ${readBy(sql)} and (
      f.expires_at < now()
      or (f.purpose <> all(${madeByBatches}::text[]) and f.created_at < now() - ${payloadsDays}::float8 * interval '1 day')
      or (f.purpose = any(${madeByBatches}::text[]) and f.created_at < now() - ${resultsDays}::float8 * interval '1 day')
      or (f.created_at < now() - ${capture.deliveryHours}::float8 * interval '1 hour' and ${passing}))`;
  if (!dryRun) return (await sql`delete from files where id in (${old} limit ${atOnce})`).count;
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from (${old}) as old`;
  return row?.n ?? 0;
}

const isOn = ({ default: mode }: Capture): boolean => mode === "on";

/** Of names on disk those that a row tells of. */
export async function knownNames({ sql }: Ledger, names: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql<{ path: string }[]>`
    select path from files where id = any(${names as string[]}::uuid[]) and path = any(${names as string[]}::text[])`;
  return new Set(rows.map(({ path }) => path));
}
