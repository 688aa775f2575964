import { z } from "zod";

/** Why the model stopped, in one vocabulary (`unified`) and in the provider's own word (`raw`). */
export const finishReason = z.object({
  unified: z.enum(["stop", "length", "content-filter", "tool-calls", "other"]),
  raw: z.string(),
});
export type FinishReason = z.infer<typeof finishReason>;

/** The stored answer of a request. Lenient: results written by an older version still parse. */
export const resultSchema = z.object({
  text: z.string(),
  finish: finishReason,
  provider: z.string(),
  /** The vendor's name of the model that answered. */
  model: z.string(),
  deployment: z.string(),
  /** Why earlier deployments of the route did not answer, in order. */
  passedOver: z.array(z.object({ deployment: z.string(), kind: z.string(), message: z.string() })).optional(),
});
export type Result = z.infer<typeof resultSchema>;
