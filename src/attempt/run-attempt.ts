/**
 * The life of one attempt, from a claimed row to a recorded one: route → admit → call → settle → record. Every expected
 * end is a value; what throws here is a bug or a service that is away, and the lease brings the row back.
 */
import type { ClaimedRequest } from "../ledger/claim.ts";
import type { RecordAnswer } from "../ledger/record.ts";
import { providerById } from "../provider/registry.ts";
import { lackOf } from "../routing/capability.ts";
import type { SpanHandle } from "../telemetry/telemetry.ts";
import { admit } from "./admit.ts";
import { callProvider, type MadeCall } from "./call-provider.ts";
import type { AttemptDeps, AttemptHooks, Produced, Target } from "./context.ts";
import {
  isUsedUp,
  type Move,
  mayMoveOn,
  moveAfterCall,
  moveAfterRefusal,
  moveWhenUnable,
  moveWhenUsedUp,
  moveWithoutCall,
} from "./move.ts";
import { lookOnward, type Onward, onwardUnseen } from "./onward.ts";

export interface Ended {
  readonly move: Move;
  readonly call: MadeCall | undefined;
  /** `unstored`: there is no such row, so nothing was called. */
  readonly answer: RecordAnswer | "unstored";
}

export async function runAttempt(deps: AttemptDeps, request: ClaimedRequest, hooks: AttemptHooks): Promise<Ended> {
  return deps.telemetry.span(
    "attempt",
    { parent: request.traceparent, attributes: attributesOf(request) },
    async (span) => {
      tellWait(deps, request);
      const target = route(deps, request);
      if (target === undefined) return record(deps, request, moveWithoutCall.noRoute(request), undefined, span, hooks);
      const before =
        insteadOfCall(deps, request, hooks) ??
        (await whenUnable(deps, request, target, hooks)) ??
        (await whenUsedUp(deps, request, target, hooks));
      if (before !== undefined) return record(deps, request, before, undefined, span, hooks);

      const admitted = await admit(deps, request, target, hooks).catch(async (error: unknown) => {
        // The limiter is away: nothing was sent, so the row goes back unspent instead of waiting for its lease to end.
        await record(deps, request, moveWithoutCall.stopped(), undefined, span, hooks);
        throw error;
      });
      if (!admitted.granted) {
        span.event("admissionRefused", { blockedBy: admitted.blockedBy });
        const onward = mayMoveOn(deps, request, admitted) ? await lookOnward(deps, request, hooks) : undefined;
        const move = moveAfterRefusal(request, target, admitted, onward);
        return record(deps, request, move, undefined, span, hooks);
      }
      const isStored = await (hooks.stored ?? true);
      const meanwhile = isStored ? insteadOfCall(deps, request, hooks) : moveWithoutCall.stopped();
      if (meanwhile !== undefined) {
        await deps.admission.settle(admitted.permit, undefined).catch(() => false);
        return record(deps, request, meanwhile, undefined, span, hooks);
      }

      const produced: Produced = { tokens: 0 };
      hooks.holding(admitted.permit, produced);
      const call = await callProvider(deps, request, target, hooks.stop, remainingMs(deps, request), produced);
      hooks.holding(undefined);
      // Settled while the ledger commits. A failed settlement is not a failed call: its lease expires by itself.
      const settled = deps.admission.settle(admitted.permit, call.outcome).catch(() => false);
      if (call.outcome.limits !== undefined) deps.observeLimits(target.pool, call.outcome.limits);

      const onward = call.outcome.ok || call.stopped ? undefined : await standIn(deps, request, hooks);
      const ended = await record(
        deps,
        request,
        moveAfterCall(deps, request, target, call, onward, admitted.permit.probe),
        call,
        span,
        hooks,
      );
      await settled;
      return ended;
    },
  );
}

/** From acceptance to the claim; where nobody traced the acceptance, it is told inside the attempt. */
function tellWait(deps: AttemptDeps, request: ClaimedRequest): void {
  const until = new Date(deps.clock.now());
  const attributes = { "millrace.lane": request.lane };
  deps.telemetry.past("queueWait", { parent: request.traceparent, from: request.createdAt, until, attributes });
  deps.telemetry.measure("queueWaitMs", until.getTime() - request.createdAt.getTime(), { lane: request.lane });
}

function route(deps: AttemptDeps, request: ClaimedRequest): Target | undefined {
  const deployment = deps.catalog.deployment(request.deployment);
  if (deployment === undefined) return undefined;
  const pool = deps.catalog.pools.get(deployment.pool);
  const connection = deps.connections.get(deployment.provider);
  if (pool === undefined || connection === undefined) return undefined;
  return { deployment, pool, connection, place: { pool, deployment: deployment.id } };
}

async function whenUsedUp(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  hooks: AttemptHooks,
): Promise<Move | undefined> {
  const { here, inAll } = isUsedUp(deps, request, target);
  if (!here) return undefined;
  return moveWhenUsedUp(request, target, inAll ? undefined : await standIn(deps, request, hooks));
}

async function whenUnable(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  hooks: AttemptHooks,
): Promise<Move | undefined> {
  const { info, provider } = target.deployment;
  const lack = lackOf(info, request.body, request.estInputTokens, providerById(provider)?.operations);
  return lack === undefined ? undefined : moveWhenUnable(request, target, lack, await standIn(deps, request, hooks));
}

/** Looking is a favour: with the limiter away the first stand-in is as good as any. */
const standIn = (deps: AttemptDeps, request: ClaimedRequest, hooks: AttemptHooks): Promise<Onward | undefined> =>
  lookOnward(deps, request, hooks).catch(() => onwardUnseen(deps, request));

/** Stopped or too late: asked before the permit and again after waiting for it. */
function insteadOfCall(deps: AttemptDeps, request: ClaimedRequest, hooks: AttemptHooks): Move | undefined {
  if (hooks.stop.signal.aborted) return moveWithoutCall.stopped();
  return remainingMs(deps, request) <= 0 ? moveWithoutCall.tooLate() : undefined;
}

async function record(
  deps: AttemptDeps,
  request: ClaimedRequest,
  move: Move,
  call: MadeCall | undefined,
  span: SpanHandle,
  { stored = Promise.resolve(true) }: Pick<AttemptHooks, "stored">,
): Promise<Ended> {
  if (!(await stored)) return { move, call, answer: "unstored" };
  span.set({ "millrace.event": move.event });
  if (move.failure !== undefined) span.fail(move.failure.kind, move.failure.message);
  const answer = await deps.telemetry.span("record", {}, () =>
    deps.record({
      requestId: request.id,
      leaseToken: request.leaseToken,
      tenant: request.tenant,
      batchId: request.batchId,
      dispatchNo: request.dispatchNo,
      attemptNo: request.attemptsSpent + 1,
      ...move,
      ...(call === undefined ? {} : { attempt: call.row }),
    }),
  );
  return { move, call, answer };
}

const remainingMs = (deps: AttemptDeps, request: ClaimedRequest): number =>
  request.deadline === undefined ? Number.POSITIVE_INFINITY : request.deadline.getTime() - deps.clock.now();

const attributesOf = (request: ClaimedRequest) => ({
  "millrace.request.id": request.id,
  "millrace.tenant": request.tenant,
  "millrace.lane": request.lane,
  "millrace.dispatch_no": request.dispatchNo,
  "millrace.attempt_no": request.attemptsSpent + 1,
  "gen_ai.request.model": request.model,
});
