/** Orders that HTTP callers hand over: all of them or none, and with an idempotency key only once. */
import { isDeepStrictEqual } from "node:util";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Accepted } from "../../src/intake/accept.ts";
import { type Order, type Refusal, refusalOf } from "../../src/intake/order.ts";
import { requestWithKey } from "../../src/ledger/accept.ts";
import { bodyOf } from "../../src/ledger/bodies.ts";
import { pathOf } from "../jsonl/complaint.ts";
import type { Problem } from "./problem.ts";

export type Placed =
  | { readonly ok: true; readonly ids: readonly string[]; readonly fresh: boolean }
  | { readonly ok: false; readonly problem: Problem };

export async function placeOrders(fleet: Fleet, orders: readonly Order[], many: boolean): Promise<Placed> {
  for (const [at, order] of orders.entries()) {
    const refusal = refusalOf(fleet.config, order);
    if (refusal !== undefined) return { ok: false, problem: refused(refusal, many ? pathOf("", [at]) : "") };
  }
  const accepted = await fleet.intake.accept(orders);
  const ids: string[] = [];
  for (const [at, order] of orders.entries()) {
    const placed = await idOf(fleet, order, accepted[at]);
    if (placed === undefined) return { ok: false, problem: mismatch };
    ids.push(placed);
  }
  return { ok: true, ids, fresh: accepted.some((entry) => entry.ok && entry.fresh) };
}

/** The id of the new request, or of the one that this key brought before; undefined when that one asked for something else. */
async function idOf(fleet: Fleet, order: Order, accepted: Accepted | undefined): Promise<string | undefined> {
  if (accepted === undefined || !accepted.ok) throw new Error("placeOrders: intake refused what refusalOf let through");
  if (accepted.fresh) return accepted.id;
  if (order.idempotencyKey === undefined) throw new Error("placeOrders: a new id was known already");
  const known = await requestWithKey(fleet.ledger, order.tenant, order.idempotencyKey);
  if (known === undefined) throw new Error("placeOrders: the request that has this key is gone");
  return isDeepStrictEqual(await bodyOf(fleet.ledger, known), order.body) ? known : undefined;
}

const mismatch: Problem = {
  status: 409,
  type: "conflict_error",
  code: "idempotency_mismatch",
  message: "This Idempotency-Key was used for another request; use a new key for a new request.",
};

function refused(refusal: Refusal, place: string): Problem {
  const param = refusal.code === "too_long" ? pathOf(place, ["messages"]) : pathOf(place, ["model"]);
  return {
    status: refusal.code === "too_long" ? 413 : 400,
    type: "invalid_request_error",
    code: refusal.code,
    message: refusal.message,
    param,
  };
}
