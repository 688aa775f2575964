/** An answer as Anthropic's wire has it: a message, whose content can be sent back as it is. */
import type { AssistantPart } from "../../src/request/parts.ts";
import type { FinishReason, Result } from "../../src/request/result.ts";
import { thoughtBlock } from "./anthropic-thoughts.ts";
import { anthropicUsage } from "./anthropic-usage.ts";
import type { Answered } from "./openai-completion.ts";

export const anthropicMessage = ({ id, result, usage }: Omit<Answered, "createdSeconds">): object => ({
  ...messageHead(id, result.model),
  content: answerParts(result).map(blockOf),
  ...stopOf(result.finish),
  usage: anthropicUsage(usage),
});

/** What a message says beside its content and its end. */
export const messageHead = (id: string, model: string) => ({
  id: `msg_${id}`,
  type: "message",
  role: "assistant",
  model,
  container: null,
  diagnostics: null,
});

/** An empty text says nothing, and the API would not take it back. */
export const answerParts = ({ text, parts }: Pick<Result, "text" | "parts">): readonly AssistantPart[] =>
  (parts ?? [{ type: "text" as const, text }]).filter((part) => part.type !== "text" || part.text !== "");

export function blockOf(part: AssistantPart) {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text, citations: null };
    case "reasoning":
      return thoughtBlock(part);
    case "tool-call": {
      const { id, name, input, signature } = part;
      return { ...callHead(id, name), input, ...(signature === undefined ? {} : { signature }) };
    }
  }
}

export const callHead = (id: string, name: string) => ({ type: "tool_use", id, name, caller: { type: "direct" } });

/** Which of the caller's sequences stopped it is not kept. */
export const stopOf = (finish: FinishReason) => ({
  stop_reason: itsOwn.has(finish.raw) ? finish.raw : stopReasons[finish.unified],
  stop_sequence: null,
  stop_details: null,
});

/** Words of Anthropic's that say more than the unified ones. */
const itsOwn = new Set(["stop_sequence", "pause_turn", "model_context_window_exceeded"]);

/** It has no word for "other". */
const stopReasons: Readonly<Record<FinishReason["unified"], string>> = {
  stop: "end_turn",
  length: "max_tokens",
  "content-filter": "refusal",
  "tool-calls": "tool_use",
  other: "end_turn",
};
