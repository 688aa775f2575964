/**
 * What a client says about a call beside its body, in headers, so that bodies stay those of the wire. Pure.
 *
 * - `Idempotency-Key`: the same key brings the same request, while it runs and afterwards.
 * - `X-Millrace-Priority`: `interactive` unless given.
 * - `X-Millrace-Detach: true`: the request goes on when the client leaves. With a key it does so anyway: its client comes back.
 * - `X-Stainless-Timeout`: seconds that the official clients wait; a request that is not detached ends by then.
 * - `Last-Event-ID`: of a stream, what the client had last.
 */
import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { type Priority, priorityNames } from "../../src/request/priority.ts";
import { idempotencyKeySchema } from "./orders.ts";
import type { Problem } from "./problem.ts";

export interface CallTerms {
  readonly idempotencyKey: string | undefined;
  readonly priority: Priority;
  /** The request outlives its client. */
  readonly isDetached: boolean;
  readonly deadlineMs: number | undefined;
  readonly traceparent: string | undefined;
  /** Of the piece that the client had last; undefined: it has none. */
  readonly lastEventId: string | undefined;
}

export type ReadTerms =
  | { readonly ok: true; readonly terms: CallTerms }
  | { readonly ok: false; readonly problem: Problem };

const headersSchema = z.object({
  "idempotency-key": idempotencyKeySchema.optional(),
  "x-millrace-priority": z.enum(priorityNames).default("interactive"),
  "x-millrace-detach": z.enum(["true", "false"]).default("false"),
});
const wrongWords: Readonly<Record<string, string>> = {
  "idempotency-key": "must be 1 to 255 printable characters",
  "x-millrace-priority": `must be one of ${priorityNames.join(", ")}`,
  "x-millrace-detach": "must be true or false",
};
/** An id that is not one of ours starts from the beginning: better twice than not at all. */
export const eventIdSchema = z.string().regex(/^\d{1,15}-\d{1,15}$/);
const timeoutSchema = z.coerce.number().positive().max(2_592_000);

export function readTerms(headers: IncomingHttpHeaders): ReadTerms {
  const read = headersSchema.safeParse(headers);
  if (!read.success) {
    const name = String(read.error.issues[0]?.path[0] ?? "");
    const message = `${name} ${wrongWords[name] ?? "is wrong"}`;
    return {
      ok: false,
      problem: { status: 400, type: "invalid_request_error", code: "invalid_request", message, param: name },
    };
  }
  const { "idempotency-key": idempotencyKey, "x-millrace-priority": priority, "x-millrace-detach": detach } = read.data;
  const isDetached = detach === "true" || idempotencyKey !== undefined;
  const patience = timeoutSchema.safeParse(headers["x-stainless-timeout"]);
  return {
    ok: true,
    terms: {
      idempotencyKey,
      priority,
      isDetached,
      deadlineMs: !isDetached && patience.success ? Math.ceil(patience.data * 1_000) : undefined,
      traceparent: headers["traceparent"]?.toString(),
      lastEventId: eventIdSchema.safeParse(headers["last-event-id"]).data,
    },
  };
}
