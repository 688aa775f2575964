import { z } from "zod";
import { assistantParts } from "./parts.ts";

/** Why the model stopped, in one vocabulary (`unified`) and in the provider's own word (`raw`). */
export const finishReason = z.object({
  unified: z.enum(["stop", "length", "content-filter", "tool-calls", "other"]),
  raw: z.string(),
});
export type FinishReason = z.infer<typeof finishReason>;

/** A stretch of speech; times in milliseconds from the start. */
export const transcriptSegment = z.object({
  text: z.string(),
  startMs: z.number(),
  endMs: z.number(),
  /** 0, 1, …, where speakers were told apart. */
  speaker: z.number().optional(),
  confidence: z.number().optional(),
});

export const transcriptSchema = z.object({
  language: z.string().optional(),
  durationMs: z.number().optional(),
  segments: z.array(transcriptSegment),
});
export type Transcript = z.infer<typeof transcriptSchema>;

/** What an operation brings beside text. */
export const answerShape = {
  /** The text of the answer, all of it; of a transcription what was said; otherwise empty. */
  text: z.string(),
  /**
   * Reasoning, text and tool calls in order: the assistant's message of the next turn as it stands. Absent where the text is
   * all there is.
   */
  parts: z.array(assistantParts).optional(),
  /** One vector for each text that was sent, in order. */
  embeddings: z.array(z.array(z.number())).optional(),
  transcript: transcriptSchema.optional(),
};

/** The stored answer of a request. Lenient: results written by an older version still parse. */
export const resultSchema = z.object({
  ...answerShape,
  finish: finishReason,
  provider: z.string(),
  /** The vendor's name of the model that answered. */
  model: z.string(),
  deployment: z.string(),
  /** Sound of the answer: its bytes are kept apart. */
  audio: z.object({ mediaType: z.string(), bytes: z.number() }).optional(),
  /** Why earlier deployments of the route did not answer, in order. */
  passedOver: z.array(z.object({ deployment: z.string(), kind: z.string(), message: z.string() })).optional(),
});
export type Result = z.infer<typeof resultSchema>;
