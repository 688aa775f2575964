/** From what happened to where the row goes: the bridge between a disposition and the ledger's record. Pure. */
import type { Verdict } from "../admission/permit.ts";
import type { ClaimedRequest, PassedOver } from "../ledger/claim.ts";
import type { RecordInput } from "../ledger/record.ts";
import type { Failure } from "../request/failure.ts";
import type { CallOutcome } from "../request/outcome.ts";
import { nextDeployment } from "../routing/route.ts";
import type { MadeCall } from "./call-provider.ts";
import type { AttemptDeps, Target } from "./context.ts";
import { dispositionFor } from "./disposition.ts";

export type Move = Pick<RecordInput, "event" | "spent" | "delayMs" | "onward" | "failure" | "holdReason" | "result"> & {
  /** Why, in a few words, for the board. */
  readonly reason?: string;
};

export const moveWithoutCall = {
  /** The fleet's settings no longer know the deployment, or have no key for it. */
  noRoute: (request: ClaimedRequest): Move => ({
    event: "hold",
    spent: false,
    holdReason: `this worker has no model or no key for ${request.deployment}`,
    reason: "no route",
  }),
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

export function moveAfterCall(deps: AttemptDeps, request: ClaimedRequest, target: Target, call: MadeCall): Move {
  const { outcome } = call;
  if (outcome.ok) return { event: "succeed", spent: true, result: resultOf(request, target, outcome) };
  if (call.stopped) return { event: "handBack", spent: false, reason: "stopped by its worker" };

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
            onward: {
              deployment: onward.id,
              lane: onward.pool,
              passedOver: [...request.passedOver, passedOver(target, outcome.failure)],
            },
          };
    case "fail":
      return { event: "fail", spent: true, failure, reason };
  }
}

const usableRoute = (deps: AttemptDeps, request: ClaimedRequest) =>
  (deps.catalog.route(request.model)?.deployments ?? []).filter((deployment) =>
    deps.connections.has(deployment.provider),
  );

const passedOver = (target: Target, failure: Failure): PassedOver => ({
  deployment: target.deployment.id,
  lane: target.pool.id,
  kind: failure.kind,
  message: failure.message,
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
