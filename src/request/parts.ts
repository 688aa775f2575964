/** What messages are made of. Parts of an answer are parts too, so that an answer can be the next question's history. */
import { z } from "zod";
import { json } from "./json.ts";

/** How long a provider may keep everything up to here in its cache; one without lifetimes of that kind takes its own. */
export const cacheHint = z.enum(["5m", "1h"]);
const cache = cacheHint.optional();

const mediaType = z.string().regex(/^[\w.+-]+\/[\w.+-]+$/, "must be a media type such as image/png");
/** Bytes as base64, or an address that the provider fetches itself. */
export const sourceSchema = z.union([
  z.strictObject({ data: z.base64().min(1), mediaType }),
  z.strictObject({ url: z.url({ protocol: /^(https?|gs|s3)$/ }), mediaType: mediaType.optional() }),
]);
export type Source = z.infer<typeof sourceSchema>;

export const textPart = z.strictObject({ type: z.literal("text"), text: z.string(), cache });
export const imagePart = z.strictObject({
  type: z.literal("image"),
  source: sourceSchema,
  detail: z.enum(["auto", "low", "high"]).optional(),
  cache,
});
export const audioPart = z.strictObject({ type: z.literal("audio"), source: sourceSchema, cache });
export const videoPart = z.strictObject({ type: z.literal("video"), source: sourceSchema, cache });
/** A document, such as a PDF. */
export const filePart = z.strictObject({
  type: z.literal("file"),
  source: sourceSchema,
  name: z.string().min(1).max(255).optional(),
  cache,
});
/** What a model thought. `signature` is the provider's own seal or cipher: sent back as it came, and only to its provider. */
export const reasoningPart = z.strictObject({
  type: z.literal("reasoning"),
  text: z.string(),
  signature: z.string().optional(),
  /** Who thought it: another provider does not get it. */
  provider: z.string().optional(),
});
/** Arguments of a tool call, as every provider sends them. */
export const toolInput = z.record(z.string(), json);

export const toolCallPart = z.strictObject({
  type: z.literal("tool-call"),
  id: z.string().min(1),
  name: z.string().min(1),
  /** Arguments as parsed JSON. */
  input: json,
  /** As with reasoning. */
  signature: z.string().optional(),
});
export const toolResultPart = z.strictObject({
  type: z.literal("tool-result"),
  id: z.string().min(1),
  name: z.string().min(1).optional(),
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart, filePart])).min(1)]),
  isError: z.boolean().optional(),
  cache,
});

export const userParts = z.discriminatedUnion("type", [textPart, imagePart, audioPart, videoPart, filePart]);
export const assistantParts = z.discriminatedUnion("type", [textPart, reasoningPart, toolCallPart]);

export type TextPart = z.infer<typeof textPart>;
export type ImagePart = z.infer<typeof imagePart>;
export type AudioPart = z.infer<typeof audioPart>;
export type VideoPart = z.infer<typeof videoPart>;
export type FilePart = z.infer<typeof filePart>;
export type ReasoningPart = z.infer<typeof reasoningPart>;
export type ToolCallPart = z.infer<typeof toolCallPart>;
export type ToolResultPart = z.infer<typeof toolResultPart>;
export type UserPart = z.infer<typeof userParts>;
export type AssistantPart = z.infer<typeof assistantParts>;
/** Of every kind that a message may have. */
export type Part = UserPart | AssistantPart | ToolResultPart;
/** Parts that carry bytes or an address. */
export type MediaPart = ImagePart | AudioPart | VideoPart | FilePart;

export const isMedia = (part: Part): part is MediaPart => "source" in part;

/** Every text in a part that its caller wrote or a model said. */
export function textsOf(part: Part): readonly string[] {
  switch (part.type) {
    case "text":
    case "reasoning":
      return [part.text];
    case "tool-call":
      return [JSON.stringify(part.input)];
    case "tool-result":
      return typeof part.content === "string" ? [part.content] : part.content.flatMap(textsOf);
    default:
      return [];
  }
}
