/** Converse's content blocks, whole or put together from a stream, as parts; its reasons to stop; its usage. */
import { z } from "zod";
import type { Answer } from "../../../request/outcome.ts";
import { type AssistantPart, toolInput } from "../../../request/parts.ts";
import type { FinishReason } from "../../../request/result.ts";
import type { Usage } from "../../../request/usage.ts";
import { known } from "../../../runtime/known.ts";
import { jsonOrText } from "../../error-answer.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";
import { hiddenSeal, thinker } from "./content.ts";

/** What is read of a block; its other kinds are left out. */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thought"; readonly text: string; readonly signature?: string; readonly cipher?: Uint8Array }
  | {
      readonly kind: "call";
      readonly id: string;
      readonly name: string;
      /** Its input, as text. */
      readonly json?: string;
      readonly input?: unknown;
    };

const bytes = z.instanceof(Uint8Array);
const blockSchema = z.object({
  text: z.string().optional(),
  toolUse: z.object({ toolUseId: z.string(), name: z.string(), input: z.unknown().optional() }).optional(),
  reasoningContent: z
    .object({
      reasoningText: z.object({ text: z.string().optional(), signature: z.string().optional() }).optional(),
      redactedContent: bytes.optional(),
    })
    .optional(),
});
const messageSchema = z.object({ message: z.object({ content: z.array(blockSchema) }) });

/** Undefined: it cannot be read. */
export function blocksOf(output: unknown): readonly Block[] | undefined {
  const read = messageSchema.safeParse(output);
  return read.data?.message.content.flatMap(({ text, toolUse, reasoningContent: thought }): readonly Block[] => {
    if (text !== undefined) return [{ kind: "text", text }];
    if (toolUse) return [{ kind: "call", id: toolUse.toolUseId, name: toolUse.name, input: toolUse.input }];
    if (thought === undefined) return [];
    const { reasoningText, redactedContent: cipher } = thought;
    return [
      { kind: "thought", text: reasoningText?.text ?? "", ...known({ signature: reasoningText?.signature, cipher }) },
    ];
  });
}

/** Undefined: a tool call that nobody can carry out. */
export function answerFrom(blocks: readonly Block[]): Answer | undefined {
  const parts: AssistantPart[] = [];
  for (const block of blocks) {
    const part = partOf(block);
    if (part === "broken") return undefined;
    if (part !== undefined) parts.push(part);
  }
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  return parts.every(({ type }) => type === "text") ? { text } : { text, parts };
}

function partOf(block: Block): AssistantPart | "broken" | undefined {
  if (block.kind === "text") return block.text === "" ? undefined : { type: "text", text: block.text };
  if (block.kind === "thought") {
    return { type: "reasoning", text: block.text, provider: thinker, ...known({ signature: sealOf(block) }) };
  }
  const input = toolInput.safeParse(block.json ? jsonOrText(block.json) : (block.input ?? {}));
  return input.success ? { type: "tool-call", id: block.id, name: block.name, input: input.data } : "broken";
}

export const sealOf = ({ cipher, signature }: Pick<Extract<Block, { kind: "thought" }>, "cipher" | "signature">) =>
  cipher === undefined ? signature : hiddenSeal(cipher);

const finishes: ReadonlyMap<string, FinishReason["unified"]> = new Map(
  Object.entries({
    end_turn: "stop",
    stop_sequence: "stop",
    max_tokens: "length",
    model_context_window_exceeded: "length",
    tool_use: "tool-calls",
    content_filtered: "content-filter",
    guardrail_intervened: "content-filter",
  }),
);
export const finishOf = (reason: string | undefined): FinishReason => ({
  unified: finishes.get(reason ?? "") ?? "other",
  raw: reason ?? "",
});

const usageSchema = z
  .object({
    inputTokens: tokenCount,
    outputTokens: tokenCount,
    cacheReadInputTokens: tokenCount,
    cacheWriteInputTokens: tokenCount,
    /** What was written, by its lifetime. */
    cacheDetails: z
      .array(z.object({ ttl: z.string(), inputTokens: tokenCount }))
      .optional()
      .catch(undefined),
  })
  .catch({});

/** The wire counts the cache apart from the input [D]; here it is a part of it. */
export function tokens(wire: unknown): Usage {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens, cacheDetails } =
    usageSchema.parse(wire);
  return usageOf({
    inputTokens:
      inputTokens === undefined ? undefined : inputTokens + (cacheReadInputTokens ?? 0) + (cacheWriteInputTokens ?? 0),
    outputTokens,
    cacheReadTokens: cacheReadInputTokens,
    cacheWriteTokens: cacheWriteInputTokens,
    cacheWriteHourTokens: cacheDetails?.find(({ ttl }) => ttl === "1h")?.inputTokens,
  });
}
