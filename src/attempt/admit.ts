import { setTimeout as sleep } from "node:timers/promises";
import type { Verdict } from "../admission/permit.ts";
import { shareFor } from "../admission/rate.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import { priorities } from "../request/priority.ts";
import type { AttemptDeps, AttemptHooks, Target } from "./context.ts";

/** A wait up to this is slept in the slot; a longer one gives the slot back. */
const sleepInSlotMs = 250;
/** All sleeping of one attempt; a gate that keeps moving away is a long wait in small pieces. */
const sleepInAllMs = 1_000;

/** Asks for a permit, sleeping through short waits. A refusal has consumed nothing. */
export async function admit(
  deps: AttemptDeps,
  request: ClaimedRequest,
  target: Target,
  hooks: AttemptHooks,
): Promise<Verdict> {
  const leaseId = `${request.id}:${request.dispatchNo}`;
  const share = shareFor(request.priority === priorities.interactive);
  return deps.telemetry.span("admit", { attributes: { "millrace.pool": target.pool.id } }, async (span) => {
    let slept = 0;
    for (;;) {
      const verdict = await deps.admission.acquire(target.pool, leaseId, deps.leaseMs, share);
      hooks.learned(verdict.granted ? verdict.nextMs : verdict.waitMs);
      if (verdict.granted) return verdict;
      span.set({ "millrace.blocked_by": verdict.blockedBy });
      if (verdict.waitMs > sleepInSlotMs || slept + verdict.waitMs > sleepInAllMs || hooks.stop.signal.aborted)
        return verdict;
      await sleep(verdict.waitMs, undefined, { signal: hooks.stop.signal }).catch(() => {});
      slept += verdict.waitMs;
    }
  });
}
