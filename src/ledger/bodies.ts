import { type Body, bodySchema } from "../request/body.ts";
import type { Ledger } from "./ledger.ts";

/** What the caller asked for, or undefined when no request has this id. */
export async function bodyOf(ledger: Ledger, requestId: string): Promise<Body | undefined> {
  const [row] = await ledger.sql<{ content: unknown }[]>`
    select content from payloads where request_id = ${requestId} and kind = 'body'`;
  return row === undefined ? undefined : bodySchema.parse(row.content);
}
