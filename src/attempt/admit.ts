import { setTimeout as sleep } from "node:timers/promises";
import type { Ask, Verdict } from "../admission/permit.ts";
import { shareFor } from "../admission/shape.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import type { AttemptDeps, AttemptHooks, Target } from "./context.ts";

/** A start up to this far ahead is booked and slept for in the slot; for a longer wait the slot is given back. */
export const bookedAheadMs = 250;
/**
 * So long in all a refused call asks again before its row goes back: others may have been faster by a moment. The one whose
 * turn is kept waits for it, however long.
 */
const patienceMs = 2_000;
/** It asks that much before the time it was told, to book it. */
const leadMs = 200;

/** Asks for a permit and sleeps until its start. A refusal has charged nothing. */
export async function admit(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  hooks: AttemptHooks,
): Promise<Verdict> {
  const ask = askFor(deps, request, hooks);
  return deps.telemetry.span("admit", { attributes: { "millrace.pool": target.pool.id } }, async (span) => {
    let slept = 0;
    for (;;) {
      const verdict = await deps.admission.acquire(target.place, ask);
      if (verdict.granted) {
        const { nextMs, eachMs, more } = verdict;
        hooks.learned({ isGranted: true, waitMs: nextMs, eachMs, more });
        return await untilStart(deps, target, ask, verdict, hooks);
      }
      span.set({ "millrace.blocked_by": verdict.blockedBy });
      if (isOfPool(verdict)) hooks.learned({ isGranted: false, waitMs: verdict.waitMs, eachMs: 0, more: 0 });
      // A slot of the provider may free at any moment; a rate has its time.
      const pauseMs =
        verdict.blockedBy === "concurrency" ? verdict.waitMs : Math.max(verdict.waitMs - leadMs, leadMs / 8);
      const isPatient = verdict.isNext === true || (isOfPool(verdict) && slept + pauseMs <= patienceMs);
      if (!isPatient || hooks.stop.signal.aborted) return verdict;
      await sleep(Math.ceil(pauseMs), undefined, { signal: hooks.stop.signal }).catch(() => {});
      slept += pauseMs;
    }
  });
}

/** One lease at the gate for each dispatch of a request. */
export const leaseIdOf = (requestId: string, dispatchNo: number): string => `${requestId}:${dispatchNo}`;

/** What the gate is asked for this request. */
export const askFor = (deps: AttemptDeps, request: ClaimedRequest, hooks: Pick<AttemptHooks, "goesFirst">): Ask => ({
  leaseId: leaseIdOf(request.id, request.dispatchNo),
  leaseMs: deps.leaseMs,
  share: shareFor(hooks.goesFirst),
  isRetry: request.attemptsSpentHere > 0,
  aheadMs: bookedAheadMs,
  inputTokens: request.estInputTokens,
  maxOutputTokens: request.estOutputTokens,
});

/** Sleeps up to a booked start. The pool may have been paused meanwhile: then nothing goes out. */
async function untilStart(
  deps: AttemptDeps,
  target: Target,
  ask: Ask,
  granted: Extract<Verdict, { granted: true }>,
  hooks: AttemptHooks,
): Promise<Verdict> {
  // The permit stays that of the booking: what it reserved is what is settled.
  const { permit } = granted;
  let verdict: Verdict = granted;
  while (verdict.granted && verdict.startMs > 0 && !hooks.stop.signal.aborted) {
    await sleep(Math.ceil(verdict.startMs), undefined, { signal: hooks.stop.signal }).catch(() => {});
    verdict = await deps.admission.lastLook(target.place, ask);
  }
  return verdict.granted ? { ...verdict, permit } : verdict;
}

/** Whether everybody in the lane waits for the same thing; a circuit, a key and a retry are one deployment's own. */
const isOfPool = ({ blockedBy, tooLarge }: Extract<Verdict, { granted: false }>): boolean =>
  tooLarge === undefined && !["circuit", "isolated", "credential", "retries", "busy"].includes(blockedBy);
