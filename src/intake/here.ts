/**
 * A process that calls providers itself may call at once for what it accepts: the row is stored as claimed, in the same
 * commit, and the pipeline runs where the request arrived. Everything else about it is as for any other request.
 */
import type { NewRequest } from "../ledger/accept.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import type { Result } from "../request/result.ts";
import type { Usage } from "../request/usage.ts";

export interface Here {
  /** A claim, with a slot kept for it, when this process would call for the row; undefined: the row travels. */
  claim(row: NewRequest): NonNullable<NewRequest["claim"]> | undefined;
  /** The row is durable. Its answer, once that is recorded; undefined: it goes on elsewhere, or ended without one. Never rejects. */
  run(request: ClaimedRequest): Promise<AnswerHere | undefined>;
  /** It was not stored. */
  release(row: NewRequest): void;
}

export interface AnswerHere {
  readonly result: Result;
  /** Of the call that answered. */
  readonly usage: Usage;
}

export const claimedFrom = (row: NewRequest, leaseToken: string, createdAt: Date): ClaimedRequest => ({
  id: row.id,
  leaseToken,
  tenant: row.tenant,
  batchId: row.batchId,
  model: row.model,
  deployment: row.deployment,
  lane: row.lane,
  priority: row.priority,
  dispatchNo: 1,
  attemptsSpent: 0,
  attemptsSpentHere: 0,
  schemaMisses: 0,
  passedOver: [],
  estInputTokens: row.estInputTokens,
  estOutputTokens: row.estOutputTokens,
  deadline: row.deadline,
  traceparent: row.traceparent,
  replyWanted: row.replyWanted ?? false,
  createdAt,
  body: row.body,
});
