/** A request as HTTP callers see it. What is unknown is null, never zero. */
import type { RequestLine } from "../../src/ledger/request-list.ts";
import type { AttemptView, RequestView } from "../../src/ledger/requests.ts";
import { priorityName } from "../../src/request/priority.ts";
import { answerJson } from "../wire/result-json.ts";
import { usageJson } from "../wire/usage-json.ts";

/** One of a list: without what was asked and answered. */
export const lineJson = (line: RequestLine) => ({
  id: line.id,
  object: "request",
  state: line.state,
  model: line.model,
  deployment: line.deployment,
  lane: line.lane,
  priority: priorityName(line.priority),
  tenant: line.tenant,
  batch_id: line.batchId,
  created_at: line.createdAt.toISOString(),
  finished_at: line.finishedAt?.toISOString() ?? null,
  not_before: line.notBefore?.toISOString() ?? null,
  hold_reason: line.holdReason,
  failure:
    line.failureKind === null || line.state === "succeeded"
      ? null
      : { kind: line.failureKind, message: line.failureMessage ?? "" },
  passed_over: line.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })),
});

export function requestJson(request: RequestView, attempts?: readonly AttemptView[]) {
  return {
    id: request.id,
    object: "request",
    state: request.state,
    model: request.model,
    deployment: request.deployment,
    lane: request.lane,
    priority: priorityName(request.priority),
    tenant: request.tenant,
    batch_id: request.batchId ?? null,
    created_at: request.createdAt.toISOString(),
    finished_at: request.finishedAt?.toISOString() ?? null,
    not_before: request.notBefore?.toISOString() ?? null,
    hold_reason: request.holdReason ?? null,
    failure: failureOf(request),
    result: resultJson(request),
    ...(request.rejected === undefined ? {} : { rejected: request.rejected }),
    /** whole, masked or removed; the answer null where there never was one. */
    kept: { prompt: request.kept.prompt, answer: request.kept.answer ?? null },
    passed_over: request.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })),
    ...(attempts === undefined ? {} : { attempts: attempts.map(attemptJson) }),
  };
}

/** A retried request keeps its last failure until it ends; one that succeeded has none. */
const failureOf = (request: RequestView) => (request.state === "succeeded" ? null : (request.failure ?? null));

const resultJson = ({ result }: RequestView) =>
  result === undefined
    ? null
    : {
        /** Bytes of its sound: GET /v1/requests/:id/audio. */
        ...answerJson(result),
        finish: result.finish,
        provider: result.provider,
        model: result.model,
        deployment: result.deployment,
      };

const attemptJson = (attempt: AttemptView) => ({
  attempt: attempt.attempt,
  provider: attempt.provider,
  model: attempt.model,
  outcome: attempt.outcome,
  failure: attempt.failureKind === null ? null : { kind: attempt.failureKind, message: attempt.failureMessage },
  started_at: attempt.startedAt.toISOString(),
  duration_ms: attempt.durationMs,
  first_token_ms: attempt.firstTokenMs,
  input_tokens: attempt.inputTokens,
  output_tokens: attempt.outputTokens,
  usage: usageJson(attempt.usage),
  /** A string: JSON numbers are not exact. */
  cost_nano_usd: attempt.costNanoUsd,
});
