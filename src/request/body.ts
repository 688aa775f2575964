import { z } from "zod";
import { json } from "./json.ts";
import {
  assistantParts,
  cacheHint,
  type Part,
  sourceSchema,
  textPart,
  textsOf,
  toolResultPart,
  userParts,
} from "./parts.ts";
import { responseFormatSchema, toolChoiceSchema, toolSchema } from "./tools.ts";

/** The longest content accepted in one request, in bytes of JSON. A longer one is refused where it is handed in. */
export const maxBodyBytes = 32 * 1024 * 1024;

export const messageSchema = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("user"), content: z.array(userParts).min(1) }),
  z.strictObject({ role: z.literal("assistant"), content: z.array(assistantParts).min(1) }),
  z.strictObject({ role: z.literal("tool"), content: z.array(toolResultPart).min(1) }),
]);
export type Message = z.infer<typeof messageSchema>;

/** Logical model name, `provider/model`, or `default`. */
const model = z.string().min(1).max(200);
/** Of every operation. */
const shared = {
  model,
  /** Of the caller: kept with the request, and sent nowhere. */
  metadata: z.record(z.string().min(1).max(64), z.string().max(512)).optional(),
  conversationId: z.string().min(1).max(255).optional(),
  /** Who is behind the request; sent to providers that want to know, for their abuse checks. */
  userId: z.string().min(1).max(255).optional(),
  /** Fields of one vendor's own wire by the provider's id, put into its body untouched. */
  providerOptions: z.record(z.string(), z.record(z.string(), json)).optional(),
};

/**
 * A conversation to go on with. It is stored as the payload, so every later field must be optional: payloads outlive a
 * deploy.
 */
export const chatSchema = z.strictObject({
  operation: z.literal("chat").optional(),
  ...shared,
  /** Parts are for marks of the cache: each ends where a provider may keep what is before. */
  system: z.union([z.string(), z.array(textPart).min(1)]).optional(),
  messages: z.array(messageSchema).min(1),
  tools: z.array(toolSchema).min(1).max(128).optional(),
  toolChoice: toolChoiceSchema.optional(),
  parallelToolCalls: z.boolean().optional(),
  responseFormat: responseFormatSchema.optional(),
  maxOutputTokens: z.number().int().min(1).max(1_000_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.number().int().min(1).optional(),
  presencePenalty: z.number().min(-2).max(2).optional(),
  frequencyPenalty: z.number().min(-2).max(2).optional(),
  stop: z.array(z.string().min(1)).min(1).max(16).optional(),
  seed: z.number().int().optional(),
  /** How much to think: a word, or a bound in tokens where the provider knows one. */
  reasoning: z
    .strictObject({
      effort: z.enum(["none", "minimal", "low", "medium", "high"]).optional(),
      budgetTokens: z.number().int().min(0).max(1_000_000).optional(),
    })
    .optional(),
  /** Of providers that filter: category and threshold in their words, such as HARM_CATEGORY_HARASSMENT and BLOCK_NONE. */
  safety: z.array(z.strictObject({ category: z.string().min(1), threshold: z.string().min(1) })).optional(),
  /** Lifetime of the cache for everything up to the last message, where the caller sets no marks. */
  cache: cacheHint.optional(),
  /** Ask the provider for a stream. The stored result is the same either way. */
  stream: z.boolean().optional(),
});
export type ChatBody = z.infer<typeof chatSchema>;

/** Texts to vectors, one for each, in order. */
export const embeddingSchema = z.strictObject({
  operation: z.literal("embedding"),
  ...shared,
  input: z.array(z.string().min(1)).min(1).max(2_048),
  /** Length of each vector, where the model can shorten them. */
  dimensions: z.number().int().min(1).max(100_000).optional(),
});
export type EmbeddingBody = z.infer<typeof embeddingSchema>;

/** Sound to text. */
export const transcriptionSchema = z.strictObject({
  operation: z.literal("transcription"),
  ...shared,
  source: sourceSchema,
  /** BCP 47, such as `de` or `en-GB`. Absent: the provider's guess. */
  language: z.string().min(2).max(35).optional(),
  /** Tell speakers apart. */
  diarize: z.boolean().optional(),
  /** Numbers, dates and paragraphs as one writes them. */
  smartFormat: z.boolean().optional(),
  /** Names and words to expect. */
  vocabulary: z.array(z.string().min(1)).min(1).max(500).optional(),
});
export type TranscriptionBody = z.infer<typeof transcriptionSchema>;

/** Text to sound. */
export const speechSchema = z.strictObject({
  operation: z.literal("speech"),
  ...shared,
  text: z.string().min(1).max(100_000),
  /** The provider's name or id of a voice. Absent: its first one. */
  voice: z.string().min(1).max(200).optional(),
  /** `mp3`, `wav`, `pcm`, `opus`, `flac`, `aac`, or the provider's own word, such as `mp3_44100_128`. */
  format: z.string().min(1).max(40).optional(),
  language: z.string().min(2).max(35).optional(),
  /** 1 is as usual. */
  speed: z.number().min(0.25).max(4).optional(),
  stream: z.boolean().optional(),
});
export type SpeechBody = z.infer<typeof speechSchema>;

/** What a caller asks for, in Millrace's own shape; producers translate other wires into it. */
export const bodySchema = z.discriminatedUnion("operation", [
  chatSchema,
  embeddingSchema,
  transcriptionSchema,
  speechSchema,
]);
export type Body = z.infer<typeof bodySchema>;

export const operations = ["chat", "embedding", "transcription", "speech"] as const;
export type Operation = (typeof operations)[number];

/** Bodies of before there were other operations say none. */
export const operationOf = (body: Body): Operation => body.operation ?? "chat";

export const isChat = (body: Body): body is ChatBody => operationOf(body) === "chat";

export const isStreamed = (body: Body): boolean => "stream" in body && body.stream === true;

/** One user turn of plain text: the shortest body there is. */
export const promptBody = (model: string, prompt: string): ChatBody => ({
  model,
  messages: [{ role: "user", content: [{ type: "text", text: prompt }] }],
});

export const systemText = ({ system }: Pick<ChatBody, "system">): string =>
  typeof system === "string" ? system : (system ?? []).map(({ text }) => text).join("\n\n");

/** Every part of a conversation, in order. */
export const partsOf = ({ messages }: Pick<ChatBody, "messages">): readonly Part[] =>
  messages.flatMap(({ content }): readonly Part[] => content);

/** Every text that a body carries to a provider, tools apart. */
export function textsIn(body: Body): readonly string[] {
  switch (body.operation) {
    case "embedding":
      return body.input;
    case "transcription":
      return body.vocabulary ?? [];
    case "speech":
      return [body.text];
    default:
      return [systemText(body), ...partsOf(body).flatMap(textsOf)].filter((text) => text !== "");
  }
}
