/** Orders that HTTP callers hand over: all of them or none, and with an idempotency key only once. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { AcceptedWhole } from "../../src/intake/accept.ts";
import type { AnswerHere } from "../../src/intake/here.ts";
import { type Order, refusalOf } from "../../src/intake/order.ts";
import { known } from "../../src/runtime/known.ts";
import { type Taken, takenOf } from "../library/taken.ts";
import { pathOf } from "../wire/complaint.ts";
import type { Problem } from "./problem.ts";

export type Placed =
  | {
      readonly ok: true;
      readonly requests: readonly PlacedRequest[];
      readonly fresh: boolean;
      readonly freshOnes: readonly boolean[];
    }
  | { readonly ok: false; readonly problem: Problem };

export interface PlacedRequest {
  readonly id: string;
  /** What may go wrong with it, though it was taken. */
  readonly warnings: readonly string[];
  /** Its call is made in this process. */
  readonly here?: Promise<AnswerHere | undefined>;
}

export async function placeOrders(fleet: Fleet, orders: readonly Order[], many: boolean): Promise<Placed> {
  const place = (at: number) => (many ? pathOf("", [at]) : "");
  // A list is taken whole or not at all; of a single order intake says the same.
  for (const [at, order] of many ? orders.entries() : []) {
    const refusal = refusalOf(fleet.config, order);
    if (refusal !== undefined) return { ok: false, problem: refused(refusal, place(at)) };
  }
  const whole = await acceptAll(fleet, orders, many);
  if (!whole.ok) return { ok: false, problem: usedAt(place(whole.differs), orders[whole.differs]) };
  const { accepted } = whole;
  const requests: PlacedRequest[] = [];
  const freshOnes = accepted.map((one) => one.ok && one.fresh);
  for (const [at, order] of orders.entries()) {
    const taken = await takenOf(fleet, order, accepted[at]);
    if (!taken.ok) return { ok: false, problem: refused(taken.refusal, place(at)) };
    const { id, warning, here } = taken;
    requests.push({ id, warnings: warning === undefined ? [] : [warning], ...known({ here }) });
  }
  return { ok: true, requests, fresh: freshOnes.includes(true), freshOnes };
}

/** Of a single order `takenOf` compares the body. */
async function acceptAll(fleet: Fleet, orders: readonly Order[], many: boolean): Promise<AcceptedWhole> {
  const isKeyed = many && orders.some(({ idempotencyKey }) => idempotencyKey !== undefined);
  return isKeyed ? fleet.intake.acceptWhole(orders) : { ok: true, accepted: await fleet.intake.accept(orders) };
}

const usedAt = (place: string, order: Order | undefined): Problem => ({
  ...answers.idempotency_mismatch,
  code: "idempotency_mismatch",
  message: `The idempotency key of ${place}, ${JSON.stringify(order?.idempotencyKey)}, was used for another request; use a new key for a new list. Nothing of it was stored.`,
  param: place,
});

type Reason = Extract<Taken, { ok: false }>["refusal"];

const answers: Readonly<Record<Reason["code"], Pick<Problem, "status" | "type"> & { readonly field?: string }>> = {
  unknown_model: { status: 400, type: "invalid_request_error", field: "model" },
  no_credential: { status: 400, type: "invalid_request_error", field: "model" },
  exceeds_limit: { status: 413, type: "invalid_request_error" },
  too_long: { status: 413, type: "invalid_request_error" },
  unable: { status: 400, type: "invalid_request_error", field: "model" },
  bad_schema: { status: 400, type: "invalid_request_error" },
  idempotency_mismatch: { status: 422, type: "invalid_request_error" },
  tenant_backlog_full: { status: 429, type: "rate_limit_error" },
  backlog_full: { status: 503, type: "unavailable_error" },
};

export function refused({ code, message, retryAfterSeconds }: Reason, place: string): Problem {
  const { field, ...answer } = answers[code];
  return {
    ...answer,
    code,
    message,
    ...(field === undefined ? {} : { param: pathOf(place, [field]) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
