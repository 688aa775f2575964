import type { BatchLine } from "../../src/ledger/batch-results.ts";

export interface LineFailure {
  readonly kind: string;
  readonly message: string;
}

/** Why a finished line has no answer. */
export function failureOf(line: BatchLine): LineFailure {
  if (line.state === "cancelled")
    return { kind: "cancelled", message: "The batch was cancelled before this line was answered." };
  if (line.state === "succeeded")
    return { kind: "removed", message: "The line was answered, and its answer is no longer kept." };
  if (line.failure !== undefined) return { kind: line.failure.kind, message: line.failure.message };
  return { kind: "unknown", message: "The line failed, and no reason was recorded." };
}
