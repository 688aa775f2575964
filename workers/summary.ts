import type { Ended } from "../src/attempt/run-attempt.ts";
import type { ClaimedRequest } from "../src/ledger/claim.ts";
import { formatUsd } from "../src/pricing/money.ts";
import type { Handled } from "../src/queue/consume.ts";

/** What the board shows of a finished job: outcome, provider, time, tokens, cost; never a prompt or an answer. */
export function summaryOf(ended: Ended, request: ClaimedRequest): Handled {
  const { move, call } = ended;
  const usage = call?.row.usage;
  const tokens =
    usage?.inputTokens === undefined || usage.outputTokens === undefined
      ? undefined
      : usage.inputTokens + usage.outputTokens;
  const summary = {
    outcome: ended.answer === "recorded" ? words[move.event] : ended.answer,
    ...(call === undefined ? {} : { provider: call.row.provider, ms: call.row.durationMs }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(call?.row.costNanoUsd === undefined ? {} : { costUsd: formatUsd(call.row.costNanoUsd) }),
    ...(move.reason === undefined ? {} : { reason: move.reason }),
  };
  const plain = move.event === "succeed" && request.attemptsSpent === 0;
  return {
    summary,
    ...(plain
      ? {}
      : {
          log: `attempt ${request.attemptsSpent + 1} on ${request.deployment}: ${summary.outcome}${move.reason === undefined ? "" : ` (${move.reason})`}`,
        }),
    ...(move.event === "fail" ? { failed: true } : {}),
  };
}

const words = {
  succeed: "succeeded",
  fail: "failed",
  postpone: "postponed",
  fallBack: "fell back",
  handBack: "handed back",
  hold: "held",
} as const;
