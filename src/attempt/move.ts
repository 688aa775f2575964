/** From what happened to where the row goes: the bridge between a disposition and the ledger's record. Pure. */
import type { BlockedBy, Verdict } from "../admission/permit.ts";
import { turnsCredentialOff } from "../admission/reaction.ts";
import type { Deployment } from "../config/deployment.ts";
import type { ClaimedRequest, PassedOver } from "../ledger/claim.ts";
import type { RecordInput } from "../ledger/record.ts";
import type { CallOutcome } from "../request/outcome.ts";
import { priorities } from "../request/priority.ts";
import { blockedKind, leftBehind, spentThere } from "../routing/route.ts";
import type { MadeCall } from "./call-provider.ts";
import type { AttemptDeps, Target } from "./context.ts";
import { dispositionFor } from "./disposition.ts";
import { isBlocked, type Onward } from "./onward.ts";

export type Move = Pick<
  RecordInput,
  "event" | "spent" | "delayMs" | "onward" | "failure" | "holdReason" | "result" | "audio" | "rejected"
> & {
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
};

type Refusal = Extract<Verdict, { granted: false }>;

/** After the gate said no: on to a deployment that is open where this one is blocked, else back, unspent. */
export function moveAfterRefusal(
  request: ClaimedRequest,
  target: Target,
  refusal: Refusal,
  onward: Onward | undefined,
): Move {
  const { blockedBy, tooLarge } = refusal;
  const reason = tooLarge === undefined ? `waits for ${blockedBy}` : sizeWords(refusal.blockedBy, tooLarge);
  // What is too large here must go elsewhere, to wait there if it has to.
  if (onward !== undefined && (onward.open || tooLarge !== undefined)) {
    const failure = { kind: tooLarge === undefined ? blockedKind : "client", message: reason };
    return { event: "fallBack", spent: false, reason, onward: onwardTo(onward.deployment, request, target, failure) };
  }
  if (tooLarge !== undefined)
    return { event: "fail", spent: false, failure: { kind: "client", message: reason }, reason };
  if (blockedBy === "credential" && isWaitedFor(request)) {
    // It takes a person to change this; the rest waits in the backlog for that person.
    const message = `the provider refused the credential of ${target.deployment.provider}; no call was made`;
    return { event: "fail", spent: false, failure: { kind: "auth", message }, reason: message };
  }
  if (shortWaits.has(blockedBy)) return { event: "postpone", spent: false, delayMs: refusal.waitMs, reason };
  return { event: "handBack", spent: false, reason };
}

/** Somebody waits for the answer now, or reads it as it comes. */
const isWaitedFor = ({ priority, replyWanted }: ClaimedRequest): boolean =>
  replyWanted || priority === priorities.interactive;

/** They are this request's own, or of its deployment, and end by themselves; nobody else is kept from coming for them. */
const shortWaits: ReadonlySet<BlockedBy> = new Set(["retries", "busy"]);

/** Whether it is worth looking at the other deployments of the route. */
export const mayMoveOn = (deps: AttemptDeps, request: ClaimedRequest, refusal: Refusal): boolean =>
  isBlocked(refusal, deps.catalog.route(request.model)?.maxWaitMs ?? Number.POSITIVE_INFINITY);

const sizeWords = (dimension: string, { asked, most }: { readonly asked: number; readonly most: number }): string =>
  `the request takes ${asked} of ${dimension}, and the limit lets ${most} through at once`;

/**
 * What to do instead of a call where no attempt is left: a worker that died has spent its attempt, and nobody decided
 * then what comes next.
 */
export function moveWhenUsedUp(request: ClaimedRequest, target: Target, onward: Onward | undefined): Move {
  const failure = { kind: "lost", message: "its worker was lost in the last attempt" };
  return onwardOrFail(request, target, failure, onward);
}

/** A request that was diverted, or whose model lost an ability by a change of the data, to one that can; else it fails. */
export function moveWhenUnable(
  request: ClaimedRequest,
  target: Target,
  lack: string,
  onward: Onward | undefined,
): Move {
  return onwardOrFail(request, target, { kind: "client", message: `${target.deployment.id} ${lack}` }, onward);
}

function onwardOrFail(
  request: ClaimedRequest,
  target: Target,
  failure: Pick<PassedOver, "kind" | "message">,
  onward: Onward | undefined,
): Move {
  if (onward === undefined) return { event: "fail", spent: false, failure, reason: failure.message };
  const next = onwardTo(onward.deployment, request, target, failure);
  return { event: "fallBack", spent: false, reason: failure.message, onward: next };
}

/** Whether the attempts of this deployment, and of all, are spent before the call. */
export function isUsedUp(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
): { here: boolean; inAll: boolean } {
  const { perDeployment, total } = deps.catalog.policyFor(request.model, target.deployment.provider);
  const inAll = request.attemptsSpent >= total;
  return { here: inAll || request.attemptsSpentHere >= perDeployment, inAll };
}

export function moveAfterCall(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  call: MadeCall,
  onward: Onward | undefined,
  isProbe: boolean,
): Move {
  const { outcome } = call;
  // A probe goes ahead for everybody: that it failed is not its request's attempt.
  const spent = !isProbe;
  if (outcome.ok) {
    const sound = outcome.audio === undefined ? {} : { audio: outcome.audio };
    return { event: "succeed", spent: true, result: resultOf(request, target, outcome), ...sound };
  }
  if (call.stopped) return { event: "handBack", spent: false, reason: stoppedReason };

  const disposition = dispositionFor(outcome.failure, {
    spentHere: request.attemptsSpentHere + (spent ? 1 : 0),
    spentInAll: request.attemptsSpent + (spent ? 1 : 0),
    policy: deps.catalog.policyFor(request.model, target.deployment.provider),
    schemaMisses: request.schemaMisses + 1,
    hasNextDeployment: onward !== undefined,
    nextIsOpen: onward?.open === true,
    canWaitForPerson: !isWaitedFor(request) && turnsCredentialOff(outcome.failure),
    maxWaitMs: deps.catalog.route(request.model)?.maxWaitMs ?? Number.POSITIVE_INFINITY,
    remainingMs: request.deadline === undefined ? undefined : request.deadline.getTime() - deps.clock.now(),
    random: deps.clock.random(),
  });
  const reason = `${outcome.failure.kind}: ${outcome.failure.message}`;
  const failure = { kind: outcome.failure.kind, message: outcome.failure.message };
  switch (disposition.next) {
    case "retry":
      return { event: "postpone", spent, delayMs: disposition.delayMs, failure, reason };
    case "defer":
      return { event: "postpone", spent: false, delayMs: disposition.delayMs, failure, reason };
    case "fallBack":
      // `hasNextDeployment` said that there is one.
      return onward === undefined
        ? { event: "fail", spent: true, failure, reason }
        : {
            event: "fallBack",
            spent: disposition.spent && spent,
            reason,
            onward: onwardTo(onward.deployment, request, target, {
              kind: disposition.spent ? failure.kind : blockedKind,
              message: failure.message,
              spent: request.attemptsSpentHere + (disposition.spent && spent ? 1 : 0),
            }),
          };
    case "handBack":
      return { event: "handBack", spent: true, failure, reason };
    case "fail": {
      const { rejected } = outcome;
      return { event: "fail", spent: true, failure, reason, ...(rejected === undefined ? {} : { rejected }) };
    }
  }
}

const onwardTo = (
  next: Deployment,
  request: ClaimedRequest,
  target: Target,
  failure: Pick<PassedOver, "kind" | "message" | "spent">,
): NonNullable<Move["onward"]> => ({
  deployment: next.id,
  lane: next.pool,
  spentThere: spentThere(next.id, request.passedOver),
  passedOver: leftBehind(request.passedOver, {
    deployment: target.deployment.id,
    lane: target.pool.id,
    kind: failure.kind,
    message: failure.message,
    spent: failure.spent ?? request.attemptsSpentHere,
  }),
});

const resultOf = (request: ClaimedRequest, target: Target, outcome: Extract<CallOutcome, { ok: true }>) => ({
  text: outcome.text,
  ...(outcome.parts === undefined ? {} : { parts: [...outcome.parts] }),
  ...(outcome.embeddings === undefined ? {} : { embeddings: outcome.embeddings.map((vector) => [...vector]) }),
  ...(outcome.transcript === undefined ? {} : { transcript: outcome.transcript }),
  ...(outcome.audio === undefined
    ? {}
    : { audio: { mediaType: outcome.audio.mediaType, bytes: outcome.audio.data.byteLength } }),
  finish: outcome.finish,
  provider: target.deployment.provider,
  model: target.deployment.model,
  deployment: target.deployment.id,
  ...(request.passedOver.length === 0
    ? {}
    : { passedOver: request.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })) }),
});
