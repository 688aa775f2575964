/** From what happened to where the row goes: the bridge between a disposition and the ledger's record. Pure. */
import type { Verdict } from "../admission/permit.ts";
import type { Deployment } from "../config/deployment.ts";
import type { ClaimedRequest, PassedOver } from "../ledger/claim.ts";
import type { RecordInput } from "../ledger/record.ts";
import type { CallOutcome } from "../request/outcome.ts";
import { nextDeployment } from "../routing/route.ts";
import type { MadeCall } from "./call-provider.ts";
import type { AttemptDeps, Target } from "./context.ts";
import { dispositionFor } from "./disposition.ts";

export type Move = Pick<RecordInput, "event" | "spent" | "delayMs" | "onward" | "failure" | "holdReason" | "result"> & {
  /** Why, in a few words, for the board. */
  readonly reason?: string;
};

const stoppedReason = "stopped by its worker";

export const moveWithoutCall = {
  /** The fleet's settings no longer know the deployment, or have no key for it. */
  noRoute: (request: ClaimedRequest): Move => ({
    event: "hold",
    spent: false,
    holdReason: `this worker has no model or no key for ${request.deployment}`,
    reason: "no route",
  }),
  stopped: (): Move => ({ event: "handBack", spent: false, reason: stoppedReason }),
  tooLate: (): Move => ({
    event: "fail",
    spent: false,
    failure: { kind: "deadline", message: "the deadline passed before the request could be sent" },
    reason: "deadline",
  }),
  refused: (verdict: Extract<Verdict, { granted: false }>): Move => ({
    event: "handBack",
    spent: false,
    reason: `waits for ${verdict.blockedBy}`,
  }),
};

/**
 * What to do instead of a call where no attempt is left: a worker that died has spent its attempt, and nobody decided
 * then what comes next. Undefined: there is one left.
 */
export function moveWhenUsedUp(deps: AttemptDeps, request: ClaimedRequest, target: Target): Move | undefined {
  const { perDeployment, total } = deps.policy;
  if (request.attemptsSpentHere < perDeployment && request.attemptsSpent < total) return undefined;
  const failure = { kind: "lost", message: "its worker was lost in the last attempt" };
  const onward =
    request.attemptsSpent < total
      ? nextDeployment(usableRoute(deps, request), target.deployment.id, request.passedOver)
      : undefined;
  return onward === undefined
    ? { event: "fail", spent: false, failure, reason: failure.message }
    : { event: "fallBack", spent: false, reason: failure.message, onward: onwardTo(onward, request, target, failure) };
}

export function moveAfterCall(deps: AttemptDeps, request: ClaimedRequest, target: Target, call: MadeCall): Move {
  const { outcome } = call;
  if (outcome.ok) return { event: "succeed", spent: true, result: resultOf(request, target, outcome) };
  if (call.stopped) return { event: "handBack", spent: false, reason: stoppedReason };

  const onward = nextDeployment(usableRoute(deps, request), target.deployment.id, request.passedOver);
  const disposition = dispositionFor(outcome.failure, {
    spentHere: request.attemptsSpentHere + 1,
    spentInAll: request.attemptsSpent + 1,
    policy: deps.policy,
    hasNextDeployment: onward !== undefined,
    remainingMs: request.deadline === undefined ? undefined : request.deadline.getTime() - deps.clock.now(),
    random: deps.clock.random(),
  });
  const reason = `${outcome.failure.kind}: ${outcome.failure.message}`;
  const failure = { kind: outcome.failure.kind, message: outcome.failure.message };
  switch (disposition.next) {
    case "retry":
      return { event: "postpone", spent: true, delayMs: disposition.delayMs, failure, reason };
    case "defer":
      return { event: "postpone", spent: false, delayMs: disposition.delayMs, failure, reason };
    case "fallBack":
      // `hasNextDeployment` said that there is one.
      return onward === undefined
        ? { event: "fail", spent: true, failure, reason }
        : {
            event: "fallBack",
            spent: true,
            reason,
            onward: onwardTo(onward, request, target, outcome.failure),
          };
    case "fail":
      return { event: "fail", spent: true, failure, reason };
  }
}

const usableRoute = (deps: AttemptDeps, request: ClaimedRequest) =>
  (deps.catalog.route(request.model)?.deployments ?? []).filter((deployment) => deps.canServe(deployment.provider));

const onwardTo = (
  next: Deployment,
  request: ClaimedRequest,
  target: Target,
  failure: Pick<PassedOver, "kind" | "message">,
): NonNullable<Move["onward"]> => ({
  deployment: next.id,
  lane: next.pool,
  passedOver: [
    ...request.passedOver,
    { deployment: target.deployment.id, lane: target.pool.id, kind: failure.kind, message: failure.message },
  ],
});

const resultOf = (request: ClaimedRequest, target: Target, outcome: Extract<CallOutcome, { ok: true }>) => ({
  text: outcome.text,
  finish: outcome.finish,
  provider: target.deployment.provider,
  model: target.deployment.model,
  deployment: target.deployment.id,
  ...(request.passedOver.length === 0
    ? {}
    : { passedOver: request.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })) }),
});
