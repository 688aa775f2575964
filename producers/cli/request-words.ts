/** A request and its attempts in words and as JSON, for every command that shows one. Unknown is said, never 0. */
import type { AttemptView, RequestView } from "../../src/ledger/requests.ts";
import { formatUsd } from "../../src/pricing/money.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { requestJson } from "../http/request-json.ts";
import { isBilled, spendOf } from "../library/spend.ts";
import { span, spend } from "./amounts.ts";

export function requestDocument(request: RequestView, attempts: readonly AttemptView[]) {
  const sum = spendOf(attempts);
  return {
    ...requestJson(request, attempts),
    // A sum of nothing but unknowns is unknown.
    cost_nano_usd: sum === undefined || (sum.nanoUsd === 0n && sum.unknownCalls > 0) ? null : sum.nanoUsd.toString(),
    calls_of_unknown_cost: sum?.unknownCalls ?? 0,
  };
}

/** One line for each call, oldest first. */
export const attemptLines = (attempts: readonly AttemptView[]): string[] =>
  attempts.map((attempt) => {
    const failure = attempt.failureKind === null ? "" : ` ${attempt.failureKind}: ${attempt.failureMessage ?? ""}`;
    const words = [
      `${attempt.attempt}. ${attempt.provider}/${attempt.model} ${attempt.outcome}${failure}`,
      span(attempt.durationMs),
      attempt.firstTokenMs === null ? undefined : `first token ${span(attempt.firstTokenMs)}`,
      `tokens ${tokens(attempt.inputTokens)} in, ${tokens(attempt.outputTokens)} out`,
      `cost ${cost(attempt)}`,
    ];
    return words.filter((word) => word !== undefined).join(", ");
  });

export const tokens = (count: number | null): string => (count === null ? "unknown" : String(count));

/** Of one call: `-` when it was not billed. */
export function cost(attempt: Pick<AttemptView, "costNanoUsd" | "outcome" | "failureKind">): string {
  if (attempt.costNanoUsd !== null) return formatUsd(BigInt(attempt.costNanoUsd));
  return isBilled(attempt) ? "unknown" : "-";
}

/** Of all calls. */
export function costWords(attempts: readonly AttemptView[]): string {
  const sum = spendOf(attempts);
  return sum === undefined ? "-" : spend(sum.nanoUsd, sum.unknownCalls);
}

/** Why a request did not succeed, or has not yet. */
export function reasonLines(request: RequestView): string[] {
  const passed = request.passedOver.map(
    ({ deployment, kind, message }) => `${deployment} gave up: ${kind}: ${message}`,
  );
  const failure =
    request.failure === undefined || request.state === "succeeded"
      ? []
      : [
          `${isTerminal(request.state) ? request.deployment : `${request.deployment} so far`}: ${request.failure.kind}: ${request.failure.message}`,
        ];
  const held = request.holdReason === undefined ? [] : [`held: ${request.holdReason}`];
  return [...passed, ...failure, ...held];
}

/** What retention and capture have changed of what was asked and answered; nothing where nothing was. */
export function keptLines({ kept }: RequestView): string[] {
  const words = { masked: "masked: addresses, numbers and keys are replaced", removed: "removed" };
  return (["prompt", "answer"] as const).flatMap((part) => {
    const how = kept[part];
    return how === undefined || how === "whole" ? [] : [`${part} ${words[how]}`];
  });
}
