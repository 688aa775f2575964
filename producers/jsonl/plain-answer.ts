/** The answer to a plain line. What is unknown is null, never zero. */
import type { BatchLine } from "../../src/ledger/batch-results.ts";
import { formatUsd } from "../../src/pricing/money.ts";
import { failureOf } from "./line-failure.ts";

export function plainAnswer(line: BatchLine): Readonly<Record<string, unknown>> {
  const { result } = line;
  const head = { id: line.customId, line: line.lineNo };
  if (result === undefined) {
    return { ...head, error: failureOf(line), model: line.model, ...accountOf(line) };
  }
  return {
    ...head,
    text: result.text,
    model: result.model,
    provider: result.provider,
    finish: result.finish.unified,
    usage: usageOf(line),
    ...accountOf(line),
  };
}

/** What the line took, answered or not. */
export const accountOf = (line: BatchLine) => ({
  cost_usd: line.costNanoUsd === undefined ? null : formatUsd(line.costNanoUsd).replace("$", ""),
  attempts: line.attempts,
  passed_over: line.passedOver.map(({ deployment, kind, message }) => ({ deployment, kind, message })),
});

const usageOf = ({ inputTokens, outputTokens }: BatchLine) =>
  inputTokens === undefined && outputTokens === undefined
    ? null
    : { input_tokens: inputTokens ?? null, output_tokens: outputTokens ?? null };
