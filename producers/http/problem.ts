/** What a caller is told when something is wrong: one shape for every route. */
import type { FastifyReply, FastifyRequest } from "fastify";

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
  /** Short and stable, for programs. Null where OpenAI has none. */
  readonly code: string | null;
  readonly message: string;
  /** Path of the field that is wrong, such as `[2].messages`. */
  readonly param?: string;
  /** When to come again. */
  readonly retryAfterSeconds?: number;
}

/** The official clients try again on 409, 429 and 5xx unless told that it would be in vain. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds === undefined) void reply.header("x-should-retry", "false");
  else void reply.header("retry-after", problem.retryAfterSeconds);
  return reply.status(problem.status).send(wires[wireOf(reply.request)](problem, reply));
}

/** Anthropic's clients say which version they speak; their key has a header of its own. */
export function wireOf({ routeOptions, headers }: FastifyRequest): "openai" | "anthropic" {
  const { wire = "openai" } = routeOptions.config;
  if (wire !== "callers") return wire;
  const isAnthropic = headers["anthropic-version"] !== undefined;
  return isAnthropic || (headers["x-api-key"] !== undefined && headers.authorization === undefined)
    ? "anthropic"
    : "openai";
}

/** In OpenAI's envelope, which is also ours: all four keys, always. */
export const problemJson = ({ message, type, param, code }: Problem) => ({
  error: { message, type, param: param ?? null, code },
});

/** In Anthropic's envelope, which knows neither code nor param. */
export const anthropicProblemJson = ({ message, type, status }: Problem, requestId: unknown = null) => ({
  type: "error",
  error: { type: status === 413 ? "request_too_large" : anthropicTypes[type], message },
  request_id: requestId,
});

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whose envelope its problems come in; OpenAI's unless given. `callers`: theirs who asks. */
    wire?: "openai" | "anthropic" | "callers";
  }
}

const wires: Readonly<Record<"openai" | "anthropic", (problem: Problem, reply: FastifyReply) => object>> = {
  openai: problemJson,
  anthropic: (problem, reply) => anthropicProblemJson(problem, reply.getHeader("request-id") ?? null),
};

const anthropicTypes: Readonly<Record<ProblemType, string>> = {
  invalid_request_error: "invalid_request_error",
  authentication_error: "authentication_error",
  forbidden_error: "permission_error",
  not_found_error: "not_found_error",
  conflict_error: "invalid_request_error",
  rate_limit_error: "rate_limit_error",
  unavailable_error: "overloaded_error",
  internal_error: "api_error",
};

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
