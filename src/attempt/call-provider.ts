/** One call to one provider under our own timeouts, and its row for the ledger. Never rejects (see provider.ts). */
import { defaultMaxOutputTokens } from "../admission/estimate.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import type { AttemptRow } from "../ledger/record.ts";
import { costOf } from "../pricing/price.ts";
import { type Body, isStreamed, operationOf } from "../request/body.ts";
import type { Delta } from "../request/delta.ts";
import type { Failure } from "../request/failure.ts";
import type { CallOutcome } from "../request/outcome.ts";
import type { Attributes, SpanHandle } from "../telemetry/telemetry.ts";
import type { AttemptDeps, Produced, Target } from "./context.ts";
import { type CallTimeouts, type Interruption, watchCall } from "./deadline.ts";
import { callOperation, operationNames } from "./operation.ts";
import { inForm } from "./structured.ts";

export interface MadeCall {
  readonly outcome: CallOutcome;
  /** True when we stopped it ourselves: drain, or the lease was lost. */
  readonly stopped: boolean;
  readonly row: AttemptRow;
}

/** Of most text; what a stream has produced is counted exactly only at its end. */
const charactersPerToken = 4;

export async function callProvider(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  stop: AbortController,
  remainingMs: number,
  produced: Produced,
): Promise<MadeCall> {
  const { body } = request;
  const streamed = isStreamed(body);
  // An answer goes to Redis only where somebody reads along (invariant 13).
  const readAlong = streamed && request.replyWanted;
  const timeouts = { ...deps.timeouts, totalMs: Math.min(deps.timeouts.totalMs, remainingMs) };
  const hasDeadline = remainingMs < deps.timeouts.totalMs;
  const attributes = {
    "gen_ai.operation.name": operationNames[operationOf(body)],
    "gen_ai.provider.name": target.deployment.provider,
    "gen_ai.request.model": target.deployment.model,
  };
  return deps.telemetry.span("call", { attributes }, async (span) => {
    const startedAt = deps.clock.now();
    let firstTokenMs: number | undefined;
    const watch = watchCall(timeouts, streamed, stop);
    const telling = readAlong ? deps.stream.begin(request.id, request.dispatchNo) : undefined;
    const answer = await callOperation(
      target.connection,
      body,
      { model: target.deployment.model, stream: streamed, defaultMaxOutputTokens, correlation: request.id },
      {
        signal: stop.signal,
        onActivity: () => watch.activity(),
        onDelta: (delta) => {
          firstTokenMs ??= deps.clock.now() - startedAt;
          watch.activity();
          produced.tokens += tokensOf(delta);
          telling?.delta(delta);
        },
      },
    );
    watch.end();
    telling?.end();
    const interruption = watch.interruption();
    const outcome = inForm(body, withReason(answer, interruption, timeouts, hasDeadline));
    const call = {
      outcome,
      stopped: interruption === "stopped" && !outcome.ok,
      row: attemptRow(deps, target, outcome, {
        body,
        startedAt,
        firstTokenMs,
        streamed,
        stopped: interruption === "stopped",
      }),
    };
    tell(deps, call, span, attributes);
    return call;
  });
}

const tokensOf = (delta: Delta): number =>
  ("text" in delta ? delta.text.length : "input" in delta ? delta.input.length : 0) / charactersPerToken;

const timeoutWords: Readonly<Record<Exclude<Interruption, "stopped">, (timeouts: CallTimeouts) => string>> = {
  firstToken: (timeouts) => `no first token within ${timeouts.firstTokenMs} ms`,
  idle: (timeouts) => `the stream was silent for ${timeouts.idleMs} ms`,
  total: (timeouts) => `no complete answer within ${Math.round(timeouts.totalMs)} ms`,
};

/** An aborted call looks like a network failure to the adapter; only we know that it was our timeout. */
function withReason(
  answer: CallOutcome,
  interruption: Interruption | undefined,
  timeouts: CallTimeouts,
  hasDeadline: boolean,
): CallOutcome {
  if (answer.ok || interruption === undefined) return answer;
  return { ...answer, failure: failureOf(interruption, timeouts, hasDeadline) };
}

function failureOf(interruption: Interruption, timeouts: CallTimeouts, hasDeadline: boolean): Failure {
  if (interruption === "stopped") return { kind: "stopped", message: "stopped by its worker" };
  if (interruption === "total" && hasDeadline)
    return { kind: "deadline", message: "the deadline passed before the answer was there" };
  return { kind: "timeout", message: timeoutWords[interruption](timeouts) };
}

interface Circumstances {
  readonly body: Body;
  readonly startedAt: number;
  readonly firstTokenMs: number | undefined;
  readonly streamed: boolean;
  readonly stopped: boolean;
}

function attemptRow(deps: AttemptDeps, target: Target, outcome: CallOutcome, call: Circumstances): AttemptRow {
  const usage = outcome.usage ?? {};
  const startedAt = new Date(call.startedAt);
  const { priceBook, model, unitPrice } = target.deployment;
  const cost = costOf(priceBook, model, usage, startedAt, { unitPrice, body: call.body });
  return {
    provider: target.deployment.provider,
    model: target.deployment.model,
    deployment: target.deployment.id,
    outcome: outcome.ok ? "succeeded" : call.stopped ? "cancelled" : "failed",
    usage,
    streamed: call.streamed,
    startedAt,
    durationMs: deps.clock.now() - call.startedAt,
    ...(call.firstTokenMs === undefined ? {} : { firstTokenMs: call.firstTokenMs }),
    ...(cost === undefined ? {} : { costNanoUsd: cost.nanoUsd, priceVersion: cost.priceVersion }),
    ...(outcome.providerRequestId === undefined ? {} : { providerRequestId: outcome.providerRequestId }),
    ...(outcome.ok ? { finish: outcome.finish } : failureColumns(outcome.failure)),
  };
}

const failureColumns = (failure: Failure) => ({
  failureKind: failure.kind,
  failureMessage: failure.message,
  ...(failure.status === undefined ? {} : { httpStatus: failure.status }),
});

function tell(deps: AttemptDeps, call: MadeCall, span: SpanHandle, attributes: Attributes): void {
  const { row, outcome } = call;
  span.set({
    "gen_ai.usage.input_tokens": row.usage.inputTokens,
    "gen_ai.usage.output_tokens": row.usage.outputTokens,
    "gen_ai.response.finish_reasons": row.finish?.unified,
    "millrace.cost_nano_usd": row.costNanoUsd?.toString(),
  });
  if (!outcome.ok) span.fail(outcome.failure.kind, outcome.failure.message);
  const labels = { provider: row.provider, model: row.model };
  deps.telemetry.count("attempts", { ...labels, outcome: row.outcome, failure: row.failureKind });
  deps.telemetry.measure("callMs", row.durationMs, attributes);
  if (row.firstTokenMs !== undefined) deps.telemetry.measure("firstTokenMs", row.firstTokenMs, attributes);
  if (row.usage.inputTokens !== undefined) deps.telemetry.count("inputTokens", labels, row.usage.inputTokens);
  if (row.usage.outputTokens !== undefined) deps.telemetry.count("outputTokens", labels, row.usage.outputTokens);
  if (row.costNanoUsd !== undefined) deps.telemetry.count("costNanoUsd", labels, Number(row.costNanoUsd));
  else if (outcome.ok) deps.telemetry.count("unpriced", labels);
}
