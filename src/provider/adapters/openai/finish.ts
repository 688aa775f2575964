import type { FailureKind } from "../../../request/failure.ts";
import type { FinishReason } from "../../../request/result.ts";

const finishes: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  eos: "stop", // Together
  length: "length",
  model_length: "length", // Mistral
  content_filter: "content-filter",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
};

/** Reasons that are failures: the answer broke off at the provider. */
const breaks: Readonly<Record<string, FailureKind>> = {
  error: "server", // OpenRouter, Mistral
  insufficient_system_resource: "capacity", // DeepSeek
};

export const breakOf = (reason: string | null | undefined): FailureKind | undefined => breaks[reason ?? ""];

/** A forced tool ends with `stop` at OpenAI; for us a call is a call. */
export function finishOf(
  reason: string | null | undefined,
  said: { readonly refusal: boolean; readonly calls: boolean },
): FinishReason {
  const raw = reason ?? "";
  const unified = finishes[raw] ?? "other";
  if (said.refusal) return { unified: "content-filter", raw };
  return { unified: said.calls && unified === "stop" ? "tool-calls" : unified, raw };
}
