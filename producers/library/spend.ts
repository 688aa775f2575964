/** What the calls of a request cost. Pure. */
import type { AttemptView } from "../../src/ledger/requests.ts";

export interface Spend {
  readonly nanoUsd: bigint;
  /** Calls whose cost is unknown: the sum lacks them. */
  readonly unknownCalls: number;
}

/** Undefined when no call was made. */
export function spendOf(attempts: readonly AttemptView[]): Spend | undefined {
  if (attempts.length === 0) return undefined;
  return {
    nanoUsd: attempts.reduce((sum, { costNanoUsd }) => sum + BigInt(costNanoUsd ?? 0), 0n),
    unknownCalls: attempts.filter((attempt) => attempt.costNanoUsd === null && isBilled(attempt)).length,
  };
}

/** A call that was refused or answered with an error costs nothing; one that broke off on its way may have been billed. */
export const isBilled = ({ outcome, failureKind }: Pick<AttemptView, "outcome" | "failureKind">): boolean =>
  outcome !== "failed" || ["timeout", "stream", "network"].includes(failureKind ?? "");
