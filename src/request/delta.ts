import { z } from "zod";

/** A piece of a streamed answer, as it comes. */
export const deltaSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({
    type: z.literal("reasoning"),
    text: z.string(),
    /** With the last piece of a thought, whose text may be empty then: its seal, and who had it; see parts.ts. */
    signature: z.string().optional(),
    provider: z.string().optional(),
  }),
  z.object({
    type: z.literal("tool-call"),
    /** Which of the answer's calls: 0, 1, … */
    index: z.number().int(),
    /** With the first piece of a call. */
    id: z.string().optional(),
    name: z.string().optional(),
    /** A piece of its arguments' JSON. */
    input: z.string(),
    /** With the first piece, where its provider sealed it. */
    signature: z.string().optional(),
  }),
  /** Sound, as base64. */
  z.object({ type: z.literal("audio"), data: z.string() }),
]);
export type Delta = Readonly<z.infer<typeof deltaSchema>>;
