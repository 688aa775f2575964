/** What happens after a failed call: one pure table, one pure function. Nobody else decides. */
import type { Failure, FailureKind } from "../request/failure.ts";
import { type Backoff, backoffMs } from "./backoff.ts";

export type Disposition =
  /** Again on the same deployment; the attempt is spent. */
  | { readonly next: "retry"; readonly delayMs: number }
  /** Again on the same deployment; nothing is spent, for waiting is not failing (invariant 7). */
  | { readonly next: "defer"; readonly delayMs: number }
  /** On to the next deployment of the route. */
  | { readonly next: "fallBack" }
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
};

export interface Situation {
  /** Calls spent on this deployment and on all, this one included. */
  readonly spentHere: number;
  readonly spentInAll: number;
  readonly policy: Backoff & { readonly perDeployment: number; readonly total: number };
  readonly hasNextDeployment: boolean;
  /** Milliseconds left of the caller's deadline; undefined without one. */
  readonly remainingMs: number | undefined;
  /** In [0, 1). */
  readonly random: number;
}

export function dispositionFor(failure: Failure, now: Situation): Disposition {
  const rule = rules[failure.kind];
  const onward: Disposition | undefined =
    rule.elsewhere && now.hasNextDeployment && now.spentInAll < now.policy.total ? { next: "fallBack" } : undefined;

  // A daily quota comes back tomorrow; another deployment answers today.
  if (failure.kind === "quotaDay" && onward !== undefined) return onward;
  if (rule.here === "defer") {
    return inTime({ next: "defer", delayMs: backoffMs(1, now.policy, now.random, failure.retryAfterMs) }, onward, now);
  }
  const mayRetry =
    rule.here === "retry" && now.spentHere < now.policy.perDeployment && now.spentInAll < now.policy.total;
  if (mayRetry) {
    const delayMs = backoffMs(now.spentHere, now.policy, now.random, failure.retryAfterMs);
    return inTime({ next: "retry", delayMs }, onward, now);
  }
  return onward ?? { next: "fail" };
}

/** A wait that outlasts the deadline is no wait: move on, or fail now and say so. */
const inTime = (
  wait: Extract<Disposition, { delayMs: number }>,
  onward: Disposition | undefined,
  now: Situation,
): Disposition =>
  now.remainingMs === undefined || wait.delayMs < now.remainingMs ? wait : (onward ?? { next: "fail" });
