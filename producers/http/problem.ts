/** What a caller is told when something is wrong: one shape for every route. */
import type { FastifyReply } from "fastify";

export type ProblemType =
  | "invalid_request_error"
  | "authentication_error"
  | "forbidden_error"
  | "not_found_error"
  | "conflict_error"
  | "rate_limit_error"
  | "unavailable_error"
  | "internal_error";

export interface Problem {
  readonly status: number;
  readonly type: ProblemType;
  /** Short and stable, for programs. */
  readonly code: string;
  readonly message: string;
  /** Path of the field that is wrong, such as `[2].messages`. */
  readonly param?: string;
  /** When to come again. */
  readonly retryAfterSeconds?: number;
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) void reply.header("retry-after", problem.retryAfterSeconds);
  const { message, type, param = null, code } = problem;
  return reply.status(problem.status).send({ error: { message, type, param, code } });
}

export const notFound = (id: string): Problem => ({
  status: 404,
  type: "not_found_error",
  code: "request_not_found",
  message: `No request has the id ${JSON.stringify(id.slice(0, 100))}.`,
});

export const ledgerAway: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "ledger_unavailable",
  message:
    "The ledger does not answer. Nothing that was accepted is lost; send the same again, with an Idempotency-Key if it must not be taken twice.",
  retryAfterSeconds: 2,
};
