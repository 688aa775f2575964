/** Why a request that somebody waited for has no answer, as that caller is told. Pure. */
import type { RequestView } from "../../src/ledger/requests.ts";
import { type FailureKind, failureKinds } from "../../src/request/failure.ts";
import type { Problem, ProblemType } from "./problem.ts";

/** Undefined: it has one. */
export function problemOfEnd(request: RequestView): Problem | undefined {
  const { id, state, failure, holdReason } = request;
  const about = `Request ${id}`;
  if (state === "succeeded") {
    return request.result === undefined
      ? { ...gone, message: `${about} was answered, and its answer is no longer kept.` }
      : undefined;
  }
  if (state === "cancelled") return { ...cancelled, message: `${about} was cancelled.` };
  if (state === "held") {
    return { ...held, message: `${about} is held${holdReason === undefined ? "" : `: ${holdReason}`}.` };
  }
  if (state !== "failed") return { ...unended, message: `${about} is ${state}; GET /v1/requests/${id} has more.` };
  const kind = failureKinds.find((known) => known === failure?.kind);
  const [status, type] = kind === undefined ? lost : answers[kind];
  return { status, type, code: `${failure?.kind ?? "failed"}`, message: failure?.message ?? `${about} failed.` };
}

export const rowGone = (id: string): Problem => ({
  status: 410,
  type: "not_found_error",
  code: "request_removed",
  message: `Request ${id} was removed while its answer was waited for.`,
});

const gone = { status: 410, type: "not_found_error", code: "answer_removed" } as const;
const cancelled = { status: 409, type: "conflict_error", code: "cancelled" } as const;
const held = { status: 503, type: "unavailable_error", code: "held" } as const;
const unended = { status: 503, type: "unavailable_error", code: "not_finished" } as const;
const lost = [502, "unavailable_error"] as const;

/** All attempts are spent when this is said, so nobody is told to come again at once. */
const answers: Readonly<Record<FailureKind, readonly [number, ProblemType]>> = {
  rate: [429, "rate_limit_error"],
  ramp: [429, "rate_limit_error"],
  concurrency: [429, "rate_limit_error"],
  reduced: [429, "rate_limit_error"],
  quotaDay: [429, "rate_limit_error"],
  quotaHard: [429, "rate_limit_error"],
  capacity: [503, "unavailable_error"],
  server: [502, "unavailable_error"],
  timeout: [504, "unavailable_error"],
  network: [502, "unavailable_error"],
  stream: [502, "unavailable_error"],
  auth: [502, "unavailable_error"],
  client: [400, "invalid_request_error"],
  schema: [502, "unavailable_error"],
  stopped: [503, "unavailable_error"],
  deadline: [504, "unavailable_error"],
};
