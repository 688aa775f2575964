/** What a model said, in the fields in which the servers put it. */
import { z } from "zod";
import type { AssistantPart } from "../../../request/parts.ts";
import { toolCallsSchema } from "./tool-calls.ts";

const textChunk = z.object({ type: z.literal("text"), text: z.string() });
const thoughtChunk = z.object({ type: z.literal("thinking"), thinking: z.array(textChunk) });
/** Mistral's reasoning models say a list where the others say a text. */
const contentSchema = z.union([
  z.string(),
  z.array(z.union([textChunk, thoughtChunk, z.object({ type: z.string() }).transform(() => undefined)])),
]);

export const saidSchema = z.object({
  content: contentSchema.nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish().catch(undefined),
  reasoning: z.string().nullish().catch(undefined),
  tool_calls: toolCallsSchema,
  audio: z.object({ data: z.string().nullish(), transcript: z.string().nullish() }).nullish().catch(undefined),
});

export interface Said {
  readonly text: string;
  readonly reasoning: string;
  readonly refused: boolean;
  /** Base64. */
  readonly audio: string;
}

export function saidIn({ content, refusal, reasoning_content, reasoning, audio }: z.infer<typeof saidSchema>): Said {
  const chunks = typeof content === "string" ? [{ type: "text" as const, text: content }] : (content ?? []);
  const texts = chunks.map((chunk) => (chunk?.type === "text" ? chunk.text : ""));
  const thoughts = chunks.flatMap((chunk) =>
    chunk?.type === "thinking" ? chunk.thinking.map(({ text }) => text) : [],
  );
  return {
    text: `${texts.join("")}${refusal ?? ""}${audio?.transcript ?? ""}`,
    reasoning: `${reasoning_content ?? reasoning ?? ""}${thoughts.join("")}`,
    refused: Boolean(refusal),
    audio: audio?.data ?? "",
  };
}

/** The answer's parts; nothing where text is all there is. */
export function partsOf(text: string, reasoning: string, calls: readonly AssistantPart[], provider: string) {
  if (reasoning === "" && calls.length === 0) return {};
  const thought: readonly AssistantPart[] = reasoning === "" ? [] : [{ type: "reasoning", text: reasoning, provider }];
  const words: readonly AssistantPart[] = text === "" ? [] : [{ type: "text", text }];
  return { parts: [...thought, ...words, ...calls] };
}
