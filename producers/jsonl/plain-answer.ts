/** The answer to a plain line. What is unknown is null, never zero. */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import { formatUsd } from "../../src/pricing/money.ts";
import { answerJson } from "../wire/result-json.ts";
import { usageJson } from "../wire/usage-json.ts";
import { failureOf } from "./line-failure.ts";

export function plainAnswer(line: BatchLine): Readonly<Record<string, unknown>> {
  const { result } = line;
  const head = { id: line.customId, line: line.lineNo };
  if (result === undefined) {
    return { ...head, error: { ...failureOf(line), ...rejectedOf(line) }, model: line.model, ...accountOf(line) };
  }
  return {
    ...head,
    ...answerJson(result),
    model: result.model,
    provider: result.provider,
    finish: result.finish.unified,
    usage: usageJson(line.usage),
    ...accountOf(line),
  };
}

/** What the line took, answered or not. */
export const accountOf = (line: BatchLine) => ({
  cost_usd: line.costNanoUsd === undefined ? null : formatUsd(line.costNanoUsd).replace("$", ""),
  attempts: line.attempts,
  passed_over: line.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })),
});

/** What the model said where that was not of the form that was asked for. */
export const rejectedOf = ({ rejected }: BatchLine) => (rejected === undefined ? {} : { rejected });
