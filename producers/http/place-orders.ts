/** Orders that HTTP callers hand over: all of them or none, and with an idempotency key only once. */
import type { Fleet } from "../../src/fleet/fleet.ts";
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
  | {
      readonly ok: false;
      readonly problem: Problem;
      /** Those that were stored all the same: another one's key had been used for something else. */
      readonly freshOnes?: readonly boolean[];
    };

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
  const accepted = await fleet.intake.accept(orders);
  const requests: PlacedRequest[] = [];
  const freshOnes = accepted.map((one) => one.ok && one.fresh);
  for (const [at, order] of orders.entries()) {
    const taken = await takenOf(fleet, order, accepted[at]);
    if (!taken.ok) return { ok: false, problem: refused(taken.refusal, place(at)), freshOnes };
    const { id, warning, here } = taken;
    requests.push({ id, warnings: warning === undefined ? [] : [warning], ...known({ here }) });
  }
  return { ok: true, requests, fresh: freshOnes.includes(true), freshOnes };
}

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
