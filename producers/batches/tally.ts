/** Counts and usage of a batch, line by line. Pure. */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import type { HostedSummary } from "../../src/ledger/hosted-batches.ts";

export interface Tally {
  add(line: BatchLine): void;
  summary(): HostedSummary;
}

export function openTally(): Tally {
  const counts = { total: 0, succeeded: 0, failed: 0, cancelled: 0, expired: 0 };
  const used = { input: 0, output: 0, cached: 0, reasoning: 0 };
  const models = new Set<string>();
  let unknown = false;
  return {
    add({ state, model, failure, usage, result }) {
      counts.total += 1;
      if (state === "succeeded" || state === "failed" || state === "cancelled") counts[state] += 1;
      if (state === "failed" && failure?.kind === "deadline") counts.expired += 1;
      if (models.size < 2) models.add(model);
      if (state !== "succeeded") return;
      const outputTokens = result?.embeddings === undefined ? usage.outputTokens : (usage.outputTokens ?? 0);
      unknown ||= usage.inputTokens === undefined || outputTokens === undefined;
      used.input += usage.inputTokens ?? 0;
      used.output += outputTokens ?? 0;
      // Details are what of them was told.
      used.cached += usage.cacheReadTokens ?? 0;
      used.reasoning += usage.reasoningTokens ?? 0;
    },
    summary: () => ({
      ...counts,
      usage: unknown || counts.succeeded === 0 ? null : used,
      model: models.size === 1 ? ([...models][0] ?? null) : null,
    }),
  };
}
