/**
 * What a call costs in the provider's own units: reserved before it, settled after it. Pure; the policy is the pool's.
 */
import type { ChargePolicy, Dimension } from "../config/pool.ts";
import type { FailureKind } from "../request/failure.ts";
import type { CallOutcome } from "../request/outcome.ts";
import type { Usage } from "../request/usage.ts";
import { reactions } from "./reaction.ts";

export interface Expectation {
  readonly inputTokens: number;
  /** What the model usually produces, at most the caller's maximum. */
  readonly outputTokens: number;
  readonly maxOutputTokens: number;
}

/** Units to reserve. */
export function reservation(dimension: Dimension, policy: ChargePolicy, call: Expectation): number {
  const output = policy.outputWeight * (policy.output === "produced" ? call.outputTokens : call.maxOutputTokens);
  switch (dimension) {
    case "requests":
    case "requestsPerDay":
      return 1;
    case "inputTokens":
      return call.inputTokens;
    case "outputTokens":
      return output;
    case "tokens":
    case "tokensPerDay":
      return policy.output === "larger" ? Math.max(call.inputTokens, output) : call.inputTokens + output;
  }
}

/** Units that a call that went out was charged; undefined: what was reserved stands, for nobody said better. */
export function charge(
  dimension: Dimension,
  policy: ChargePolicy,
  outcome: CallOutcome,
  reserved: number,
): number | undefined {
  if (!outcome.ok && reactions[outcome.failure.kind].refused) return policy.rejectsCount ? undefined : 0;
  if (dimension === "requests" || dimension === "requestsPerDay") return undefined;
  const used = usedUnits(dimension, policy, outcome.usage ?? {});
  if (used === undefined) return undefined;
  // The provider's own first estimate of input stands; only what comes beyond the whole of it is known.
  if (policy.input === "estimated" && dimension !== "outputTokens") return used > reserved ? used : undefined;
  // Output as produced is never reserved at the provider: what is charged is what it counts in the end.
  const isGivenBack = policy.refund === "end" || (policy.output === "produced" && dimension === "outputTokens");
  return isGivenBack ? used : Math.max(used, reserved);
}

function usedUnits(dimension: Dimension, policy: ChargePolicy, usage: Usage): number | undefined {
  const cached = policy.cacheReads === "free" ? (usage.cacheReadTokens ?? 0) : 0;
  const input = usage.inputTokens === undefined ? undefined : usage.inputTokens - cached;
  const output = usage.outputTokens === undefined ? undefined : usage.outputTokens * policy.outputWeight;
  if (dimension === "inputTokens") return policy.input === "estimated" ? undefined : input;
  if (dimension === "outputTokens") return output;
  return input === undefined || output === undefined ? undefined : input + output;
}

/** Calls that are over and have this failure in common, or none: how many, and what they used as far as it is known. */
export interface CallSums {
  readonly calls: number;
  readonly failureKind: FailureKind | undefined;
  readonly usage: Usage;
}

/** Units that the calls of a day were charged at least; undefined: this dimension counts no days. */
export function chargedInDay(
  dimension: Dimension,
  policy: ChargePolicy,
  calls: readonly CallSums[],
): number | undefined {
  if (dimension !== "requestsPerDay" && dimension !== "tokensPerDay") return undefined;
  const counted = calls.filter(
    ({ failureKind }) => policy.rejectsCount || failureKind === undefined || !reactions[failureKind].refused,
  );
  return counted.reduce(
    (sum, { calls: n, usage }) =>
      sum + (dimension === "requestsPerDay" ? n : (usedUnits(dimension, policy, usage) ?? 0)),
    0,
  );
}

/** Units that a call under way has used at least, by what it has streamed; undefined where that says nothing. */
export function chargeSoFar(dimension: Dimension, policy: ChargePolicy, producedTokens: number): number | undefined {
  const isOutput = dimension === "outputTokens" || dimension === "tokens" || dimension === "tokensPerDay";
  return isOutput && policy.output === "produced" ? producedTokens * policy.outputWeight : undefined;
}
