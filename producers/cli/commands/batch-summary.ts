/** How a batch ended, in words, as JSON and as an exit code. */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import {
  type BatchCounts,
  type BatchSpend,
  type BatchView,
  batchCounts,
  batchSpend,
} from "../../../src/ledger/batches.ts";
import { count, spend } from "../amounts.ts";
import { exitCodes } from "../exit.ts";

export interface BatchSummary {
  readonly batch: BatchView;
  readonly counts: BatchCounts;
  readonly spend: BatchSpend;
}

export async function summaryOf(fleet: Fleet, batch: BatchView): Promise<BatchSummary> {
  const [counts, spent] = await Promise.all([batchCounts(fleet.ledger, batch.id), batchSpend(fleet.ledger, batch.id)]);
  return { batch, counts, spend: spent };
}

/** Some lines failed: 2. None was answered, or the batch was cancelled: 3. */
export function exitCodeOf({ batch, counts }: BatchSummary): number {
  if (batch.state === "cancelled" || batch.state === "cancelling") return exitCodes.batchFailed;
  if (counts.failed + counts.cancelled === 0) return exitCodes.ok;
  return counts.succeeded === 0 ? exitCodes.batchFailed : exitCodes.someLinesFailed;
}

export function summaryLine({ batch, counts, spend: spent }: BatchSummary): string {
  const cancelled = counts.cancelled === 0 ? "" : `, cancelled ${count(counts.cancelled)}`;
  return (
    `batch ${batch.id} ${batch.state}: accepted ${count(counts.accepted)}, succeeded ${count(counts.succeeded)}, ` +
    `failed ${count(counts.failed)}${cancelled}; ${count(spent.calls)} calls, ` +
    `${count(spent.inputTokens)} + ${count(spent.outputTokens)} tokens, ${spend(spent.costNanoUsd, spent.unpriced)}`
  );
}

export const summaryJson = ({ batch, counts, spend: spent }: BatchSummary) => ({
  id: batch.id,
  tenant: batch.tenant,
  state: batch.state,
  source: batch.source,
  options: batch.options,
  total: batch.total,
  createdAt: batch.createdAt,
  finishedAt: batch.finishedAt ?? null,
  counts,
  calls: spent.calls,
  inputTokens: spent.inputTokens,
  outputTokens: spent.outputTokens,
  costNanoUsd: spent.costNanoUsd,
  unpricedCalls: spent.unpriced,
});
