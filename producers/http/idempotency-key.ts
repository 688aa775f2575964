/** The header `Idempotency-Key`, where it brings a thing of its own: a file, a webhook, a batch. Pure. */
import type { IncomingHttpHeaders } from "node:http";
import { idempotencyKeySchema } from "./orders.ts";
import type { Problem } from "./problem.ts";

export type ReadKey =
  /** `key` undefined: it came without one. */
  { readonly ok: true; readonly key: string | undefined } | { readonly ok: false; readonly problem: Problem };

export function readIdempotencyKey(headers: IncomingHttpHeaders): ReadKey {
  const key = idempotencyKeySchema.optional().safeParse(headers["idempotency-key"]);
  return key.success ? { ok: true, key: key.data } : { ok: false, problem: badKey };
}

const badKey: Problem = {
  status: 400,
  type: "invalid_request_error",
  code: "invalid_value",
  message: "Idempotency-Key must be 1 to 255 printable characters",
  param: "Idempotency-Key",
};

export const usedForAnother = (noun: "batch" | "file" | "webhook"): Problem => ({
  status: 422,
  type: "invalid_request_error",
  code: "idempotency_mismatch",
  message: `This idempotency key was used for another ${noun}; use a new key for a new ${noun}.`,
});
