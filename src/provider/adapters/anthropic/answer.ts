/** An answer's content blocks, whole or put together from a stream, as parts. */
import { z } from "zod";
import type { Answer } from "../../../request/outcome.ts";
import { type AssistantPart, toolInput } from "../../../request/parts.ts";
import type { FinishReason } from "../../../request/result.ts";
import { known } from "../../../runtime/known.ts";
import { jsonOrText } from "../../error-answer.ts";
import { hiddenSeal } from "./content.ts";

export const blockSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  signature: z.string().optional(),
  /** Of a thought that is hidden: its cipher. */
  data: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
});
/** `json` is the input of a streamed tool call, as text. */
export type Block = z.infer<typeof blockSchema> & { json?: string };

export type ReadAnswer =
  | { readonly ok: true; readonly answer: Answer }
  /** A tool call that nobody can carry out. */
  | { readonly ok: false };

/** `thinker` is kept with each thought. Blocks of tools that the provider runs itself are left out. */
export function answerFrom(blocks: readonly Block[], thinker: string): ReadAnswer {
  const parts: AssistantPart[] = [];
  for (const block of blocks) {
    const part = partOf(block, thinker);
    if (part === "broken") return { ok: false };
    if (part !== undefined) parts.push(part);
  }
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const isTextOnly = parts.every(({ type }) => type === "text");
  return { ok: true, answer: isTextOnly ? { text } : { text, parts } };
}

function partOf(block: Block, thinker: string): AssistantPart | "broken" | undefined {
  switch (block.type) {
    case "text":
      return block.text ? { type: "text", text: block.text } : undefined;
    case "thinking":
      return {
        type: "reasoning",
        text: block.thinking ?? "",
        provider: thinker,
        ...known({ signature: block.signature }),
      };
    case "redacted_thinking":
      return { type: "reasoning", text: "", provider: thinker, signature: hiddenSeal(block.data ?? "") };
    case "tool_use": {
      const input = toolInput.safeParse(block.json ? jsonOrText(block.json) : (block.input ?? {}));
      if (!input.success || !block.id || !block.name) return "broken";
      return { type: "tool-call", id: block.id, name: block.name, input: input.data };
    }
    default:
      return undefined;
  }
}

const finishes: ReadonlyMap<string, FinishReason["unified"]> = new Map(
  Object.entries({
    end_turn: "stop",
    stop_sequence: "stop",
    max_tokens: "length",
    model_context_window_exceeded: "length",
    tool_use: "tool-calls",
    refusal: "content-filter",
  }),
);
export const finishOf = (reason: string | null | undefined): FinishReason => ({
  unified: finishes.get(reason ?? "") ?? "other",
  raw: reason ?? "",
});
