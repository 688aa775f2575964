/** Accepting a list whole or not at all. */
import type { ISql } from "postgres";
import { bodySchema } from "../request/body.ts";
import { acceptRequests, type NewRequest } from "./accept.ts";
import { asksFor, type KeptBody } from "./bodies.ts";

/** Takes back what the transaction has stored: `key` came with another body before. */
export class KeyDiffers extends Error {
  override readonly name = "KeyDiffers";
  readonly tenant: string;
  readonly key: string | undefined;

  constructor({ tenant, idempotencyKey }: NewRequest) {
    super("an idempotency key was used for another request");
    this.tenant = tenant;
    this.key = idempotencyKey;
  }
}

/**
 * `acceptRequests` inside a transaction that ends with KeyDiffers when one of the rows is there with another body. It looks
 * after it has stored: two lists with the same keys wait for each other there, and the second one sees what the first one brought.
 */
export async function acceptWhole(
  within: { readonly sql: ISql },
  rows: readonly NewRequest[],
): Promise<ReadonlySet<string>> {
  const accepted = await acceptRequests(within, rows);
  const known = rows.filter(({ id }) => !accepted.has(id));
  for (let from = 0; from < known.length; from += atOnce) {
    const looked = known.slice(from, from + atOnce);
    const kept = await bodiesWithKeys(within, looked);
    const other = looked.find(({ id, body }) => !asksFor(kept.get(id), body));
    if (other !== undefined) throw new KeyDiffers(other);
  }
  return accepted;
}

/** Bodies may be long. */
const atOnce = 32;

/** What is kept of the requests that carry the keys of these rows, by the ids of the rows. */
async function bodiesWithKeys(
  { sql }: { readonly sql: ISql },
  rows: readonly NewRequest[],
): Promise<ReadonlyMap<string, KeptBody>> {
  const found = await sql<{ id: string; content: unknown; masked: boolean }[]>`
    select k.id, p.content, p.masked
    from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ tenant }) => tenant)}::text[],
      ${rows.map(({ idempotencyKey }) => idempotencyKey ?? null)}::text[]) as k(id, tenant, key)
    join requests r on r.tenant = k.tenant and r.idempotency_key = k.key
    join payloads p on p.request_id = r.id and p.kind = 'body'`;
  return new Map(found.map(({ id, content, masked }) => [id, { body: bodySchema.parse(content), masked }]));
}
