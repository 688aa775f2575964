import { isDeepStrictEqual } from "node:util";
import { type Body, bodySchema } from "../request/body.ts";
import { maskContent } from "../request/mask.ts";
import type { Ledger } from "./ledger.ts";

export interface KeptBody {
  readonly body: Body;
  /** Some of its text is no longer what the caller wrote. */
  readonly masked: boolean;
}

/** What the caller asked for, or undefined when no request has this id or its prompt was removed. */
export async function keptBody(ledger: Ledger, requestId: string): Promise<KeptBody | undefined> {
  const [row] = await ledger.sql<{ content: unknown; masked: boolean }[]>`
    select content, masked from payloads where request_id = ${requestId} and kind = 'body'`;
  return row === undefined ? undefined : { body: bodySchema.parse(row.content), masked: row.masked };
}

export const bodyOf = async (ledger: Ledger, requestId: string): Promise<Body | undefined> =>
  (await keptBody(ledger, requestId))?.body;

/** Whether `body` is what the caller asked for. A prompt that is no longer kept cannot be compared: its key alone says which request it was. */
export const asksFor = (kept: KeptBody | undefined, body: Body): boolean =>
  kept === undefined || isDeepStrictEqual(kept.body, kept.masked ? maskContent(body) : body);
