import type { Failure } from "../../../request/failure.ts";
import type { FinishReason } from "../../../request/result.ts";

const withheld = [
  "SAFETY",
  "RECITATION",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "MODEL_ARMOR",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION",
];

export function finishOf(raw: string, hasCalls: boolean): FinishReason {
  if (withheld.includes(raw)) return { unified: "content-filter", raw };
  if (raw === "MAX_TOKENS") return { unified: "length", raw };
  // A turn that ends with calls ends with STOP as well.
  if (hasCalls) return { unified: "tool-calls", raw };
  return { unified: raw === "STOP" ? "stop" : "other", raw };
}

/** Ends that are no answer: the model wrote a call that nobody can carry out, or something that is no text at all. */
export function unfinished(raw: string): Failure | undefined {
  const broken = ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"];
  if (broken.includes(raw)) return { kind: "server", message: `the model broke its answer: ${raw}`, code: raw };
  return raw === "MISSING_THOUGHT_SIGNATURE"
    ? { kind: "client", message: `a tool call in the history lacks its signature: ${raw}`, code: raw }
    : undefined;
}

export const blockedPrompt = (code: string): Failure => ({
  kind: "client",
  message: `the prompt is blocked: ${code}`,
  code,
});
