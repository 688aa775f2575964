/** What happens after a failed call: one pure table, one pure function. Nobody else decides. */

import type { AttemptPolicy } from "../config/attempt-policy.ts";
import type { Failure, FailureKind } from "../request/failure.ts";
import { backoffMs } from "./backoff.ts";

export type Disposition =
  /** Again on the same deployment; the attempt is spent. */
  | { readonly next: "retry"; readonly delayMs: number }
  /** Again on the same deployment; nothing is spent, for waiting is not failing (invariant 7). */
  | { readonly next: "defer"; readonly delayMs: number }
  /** On to the next deployment of the route; not spent where the call was only put off. */
  | { readonly next: "fallBack"; readonly spent: boolean }
  /** Back into the backlog, to wait there for a person; the attempt is spent. */
  | { readonly next: "handBack" }
  | { readonly next: "fail" };

interface Rule {
  /** On the same deployment: wait unspent, retry within the attempts, or never. */
  readonly here: "defer" | "retry" | "never";
  /** Whether another deployment may not have this failure. */
  readonly elsewhere: boolean;
}

const rules: Readonly<Record<FailureKind, Rule>> = {
  rate: { here: "defer", elsewhere: false },
  ramp: { here: "defer", elsewhere: false },
  concurrency: { here: "defer", elsewhere: false },
  reduced: { here: "defer", elsewhere: false },
  quotaDay: { here: "defer", elsewhere: true },
  quotaHard: { here: "never", elsewhere: true },
  capacity: { here: "retry", elsewhere: true },
  server: { here: "retry", elsewhere: true },
  timeout: { here: "retry", elsewhere: true },
  network: { here: "retry", elsewhere: true },
  stream: { here: "retry", elsewhere: true },
  auth: { here: "never", elsewhere: true },
  client: { here: "never", elsewhere: false },
  schema: { here: "retry", elsewhere: false },
  stopped: { here: "defer", elsewhere: false },
  deadline: { here: "never", elsewhere: false },
};

export interface Situation {
  /** Calls spent on this deployment and on all, this one included. */
  readonly spentHere: number;
  readonly spentInAll: number;
  readonly policy: AttemptPolicy;
  /** Answers that were not of the form asked for, this one included. */
  readonly schemaMisses: number;
  readonly hasNextDeployment: boolean;
  /** That one could take it now: it is no use to leave one closed deployment for another. */
  readonly nextIsOpen: boolean;
  /** The credential is off until a person acts, and nobody waits for this answer: so it can wait. */
  readonly canWaitForPerson: boolean;
  /** The longest wait on one deployment while there is another. */
  readonly maxWaitMs: number;
  /** Milliseconds left of the caller's deadline; undefined without one. */
  readonly remainingMs: number | undefined;
  /** In [0, 1). */
  readonly random: number;
}

export function dispositionFor(failure: Failure, now: Situation): Disposition {
  const rule = rules[failure.kind];
  if (rule.here === "defer") {
    const delayMs = backoffMs(1, now.policy, now.random, failure.retryAfterMs);
    // A daily quota comes back tomorrow; another deployment answers today.
    const isLong = rule.elsewhere || (failure.retryAfterMs ?? 0) > now.maxWaitMs;
    // What is put off was not spent, so it may go on however many were.
    const goesOn = now.hasNextDeployment && now.nextIsOpen;
    if (goesOn && (isLong || isTooLate(delayMs, now))) return { next: "fallBack", spent: false };
    return isTooLate(delayMs, now) ? { next: "fail" } : { next: "defer", delayMs };
  }
  const mayGoOn = now.hasNextDeployment && now.spentInAll < now.policy.total;
  const hasAttempts = now.spentHere < now.policy.perDeployment && now.spentInAll < now.policy.total;
  if (failure.kind === "schema") {
    // The model is well and will say something else; no need to wait for it.
    const delayMs = failure.retryAfterMs ?? 0;
    const mayTryAgain = hasAttempts && now.schemaMisses <= now.policy.schemaRetries;
    return mayTryAgain && !isTooLate(delayMs, now) ? { next: "retry", delayMs } : { next: "fail" };
  }
  const end: Disposition = now.canWaitForPerson && hasAttempts ? { next: "handBack" } : { next: "fail" };
  const onward: Disposition = rule.elsewhere && mayGoOn ? { next: "fallBack", spent: true } : end;
  if (rule.here === "never" || !retries(failure.kind, now.policy)) return onward;
  if (!hasAttempts) return onward;
  const delayMs = backoffMs(now.spentHere, now.policy, now.random, failure.retryAfterMs);
  if (isTooLate(delayMs, now)) return onward;
  const isLong = (failure.retryAfterMs ?? 0) > now.maxWaitMs;
  return mayGoOn && now.nextIsOpen && isLong ? onward : { next: "retry", delayMs };
}

const retries = (kind: FailureKind, policy: AttemptPolicy): boolean => policy.retryOn.some((one) => one === kind);

/** A wait that outlasts the deadline is no wait: move on, or fail now and say so. */
const isTooLate = (delayMs: number, now: Situation): boolean =>
  now.remainingMs !== undefined && delayMs >= now.remainingMs;
