/** Keys of the HTTP side: made, listed, revoked, and looked up by whoever is called with one. */
import { createHash, randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Ledger } from "./ledger.ts";

/** `use`: requests of its tenant. `admin`: everything, of all tenants. */
export const keyScopes = ["use", "admin"] as const;
export type KeyScope = (typeof keyScopes)[number];

export interface NewKey {
  readonly tenant: string;
  readonly name: string;
  readonly scope: KeyScope;
  readonly expiresAt?: Date;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
}

export interface KeyView {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  /** Its first characters. */
  readonly prefix: string;
  readonly scope: KeyScope;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  /** Undefined: no limit of its own. */
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** Answers the key, which nobody can ask for again. */
export async function createKey(
  { sql }: Ledger,
  { tenant, name, scope, expiresAt, requestsPerMinute, tokensPerMinute }: NewKey,
): Promise<KeyView & { readonly key: string }> {
  const key = `mr-${randomBytes(32).toString("base64url")}`;
  const [row] = await sql<KeyRow[]>`
    insert into api_keys (id, tenant, name, prefix, digest, scope, expires_at, requests_per_minute, tokens_per_minute)
    values (${uuidv7()}, ${tenant}, ${name}, ${key.slice(0, shownLength)}, ${digestOf(key)}, ${scope},
      ${expiresAt ?? null}, ${requestsPerMinute ?? null}, ${tokensPerMinute ?? null})
    returning *`;
  if (row === undefined) throw new Error("createKey: nothing was written");
  return { ...viewOf(row), key };
}

/** Newest first. */
export async function listKeys({ sql }: Ledger): Promise<KeyView[]> {
  return (await sql<KeyRow[]>`select * from api_keys order by id desc limit 1000`).map(viewOf);
}

/** By id or by the first characters that `listKeys` shows; undefined when no key, or more than one, is meant. */
export async function revokeKey({ sql }: Ledger, named: string): Promise<KeyView | undefined> {
  return sql.begin(async (inner) => {
    const rows = await inner<KeyRow[]>`
      select * from api_keys where id::text = ${named} or prefix = ${named} for update`;
    const [row] = rows;
    if (row === undefined || rows.length > 1) return undefined;
    const [after] = await inner<KeyRow[]>`
      update api_keys set revoked_at = coalesce(revoked_at, now()) where id = ${row.id} returning *`;
    return viewOf(after ?? row);
  });
}

/** Who holds a key that may be used now. */
export async function holderOf({ sql }: Ledger, key: string): Promise<KeyView | undefined> {
  const [row] = await sql<KeyRow[]>`
    select * from api_keys where digest = ${digestOf(key)} and revoked_at is null
      and (expires_at is null or expires_at > now())`;
  return row === undefined ? undefined : viewOf(row);
}

/** By its id, also when it was revoked or has expired. */
export async function keyById({ sql }: Ledger, id: string): Promise<KeyView | undefined> {
  const [row] = await sql<KeyRow[]>`select * from api_keys where id = ${id}`;
  return row === undefined ? undefined : viewOf(row);
}

/** Whether there ever was a key: from then on every call needs one, also when the last one was revoked. */
export async function anyKeys({ sql }: Ledger): Promise<boolean> {
  const [row] = await sql`select 1 from api_keys limit 1`;
  return row !== undefined;
}

const shownLength = 11;
const digestOf = (key: string): string => createHash("sha256").update(key).digest("hex");

interface KeyRow {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly prefix: string;
  readonly scope: KeyScope;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
}

const viewOf = (row: KeyRow): KeyView => ({
  id: row.id,
  tenant: row.tenant,
  name: row.name,
  prefix: row.prefix,
  scope: row.scope,
  createdAt: row.created_at,
  expiresAt: row.expires_at ?? undefined,
  revokedAt: row.revoked_at ?? undefined,
  requestsPerMinute: row.requests_per_minute ?? undefined,
  tokensPerMinute: row.tokens_per_minute ?? undefined,
});
