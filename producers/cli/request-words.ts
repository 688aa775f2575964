/** A request and its attempts in words and as JSON, for every command that shows one. Unknown is said, never 0. */
import type { AttemptView, RequestView } from "../../src/ledger/requests.ts";
import { formatUsd } from "../../src/pricing/money.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { requestJson } from "../http/request-json.ts";
import { span, spend } from "./amounts.ts";

export const requestDocument = (request: RequestView, attempts: readonly AttemptView[]) => ({
  ...requestJson(request, attempts),
  cost_nano_usd: costOf(attempts)?.known.toString() ?? null,
  calls_of_unknown_cost: costOf(attempts)?.unknown ?? 0,
});

/** One line for each call, oldest first. */
export const attemptLines = (attempts: readonly AttemptView[]): string[] =>
  attempts.map((attempt) => {
    const failure = attempt.failureKind === null ? "" : ` ${attempt.failureKind}: ${attempt.failureMessage ?? ""}`;
    const words = [
      `${attempt.attempt}. ${attempt.provider}/${attempt.model} ${attempt.outcome}${failure}`,
      span(attempt.durationMs),
      attempt.firstTokenMs === null ? undefined : `first token ${span(attempt.firstTokenMs)}`,
      `tokens ${tokens(attempt.inputTokens)} in, ${tokens(attempt.outputTokens)} out`,
      `cost ${cost(attempt.costNanoUsd)}`,
    ];
    return words.filter((word) => word !== undefined).join(", ");
  });

export const tokens = (count: number | null): string => (count === null ? "unknown" : String(count));

export const cost = (nanoUsd: string | null): string => (nanoUsd === null ? "unknown" : formatUsd(BigInt(nanoUsd)));

/** Over all calls; undefined when there were none. */
export function costOf(
  attempts: readonly AttemptView[],
): { readonly known: bigint; readonly unknown: number } | undefined {
  if (attempts.length === 0) return undefined;
  const known = attempts.reduce((sum, { costNanoUsd }) => sum + BigInt(costNanoUsd ?? 0), 0n);
  return { known, unknown: attempts.filter(({ costNanoUsd }) => costNanoUsd === null).length };
}

export function costWords(attempts: readonly AttemptView[]): string {
  const sum = costOf(attempts);
  return sum === undefined ? "-" : spend(sum.known, sum.unknown);
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
