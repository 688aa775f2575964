import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Accepted } from "../../src/intake/accept.ts";
import type { FullRefusal } from "../../src/intake/full.ts";
import type { AnswerHere } from "../../src/intake/here.ts";
import type { Order, Refusal } from "../../src/intake/order.ts";
import { requestWithKey } from "../../src/ledger/accept.ts";
import { asksFor, keptBody } from "../../src/ledger/bodies.ts";

export type Taken =
  /** `fresh`: false when this idempotency key had brought the request before. */
  | {
      readonly ok: true;
      readonly id: string;
      readonly fresh: boolean;
      readonly warning?: string;
      /** Its call is made in this process. */
      readonly here?: Promise<AnswerHere | undefined>;
    }
  | { readonly ok: false; readonly refusal: Refusal | FullRefusal | Mismatch };

export interface Mismatch {
  readonly code: "idempotency_mismatch";
  readonly message: string;
  readonly retryAfterSeconds?: undefined;
}

/** What became of an order that intake has answered: the request that is there now, or why there is none. */
export async function takenOf(fleet: Fleet, order: Order, accepted: Accepted | undefined): Promise<Taken> {
  if (accepted === undefined) throw new Error("takenOf: intake gave no answer for an order");
  if (!accepted.ok || accepted.fresh) return accepted;
  if (order.idempotencyKey === undefined) throw new Error("takenOf: a new id was known already");
  const id = await requestWithKey(fleet.ledger, order.tenant, order.idempotencyKey);
  if (id === undefined) throw new Error("takenOf: the request that has this key is gone");
  if (!asksFor(await keptBody(fleet.ledger, id), order.body)) return { ok: false, refusal: mismatch };
  return { ok: true, id, fresh: false, ...(accepted.warning === undefined ? {} : { warning: accepted.warning }) };
}

const mismatch: Mismatch = {
  code: "idempotency_mismatch",
  message: "This idempotency key was used for another request; use a new key for a new request.",
};
