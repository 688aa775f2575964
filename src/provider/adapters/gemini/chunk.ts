/** One chunk of Gemini's answer; a whole answer is a chunk too. Lenient: it knows what it needs and lets pass the rest. */
import { z } from "zod";
import { usageSchema } from "./usage.ts";

const partSchema = z.object({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  /** A seal of what the model thought, to be sent back as it came. */
  thoughtSignature: z.string().optional(),
  functionCall: z
    .object({
      id: z.string().min(1).optional(),
      name: z.string().min(1),
      args: z.unknown().optional(),
      /** Arguments in pieces come only to those who ask for them by providerOptions, and we cannot put them together. */
      partialArgs: z.undefined().optional(),
    })
    .optional(),
  inlineData: z.object({ mimeType: z.string().default("application/octet-stream"), data: z.base64() }).optional(),
  executableCode: z.object({ language: z.string().optional(), code: z.string() }).optional(),
  codeExecutionResult: z.object({ output: z.string().optional() }).optional(),
});
export type WirePart = z.infer<typeof partSchema>;

export const chunkSchema = z.object({
  candidates: z
    .array(
      z.object({
        content: z.object({ parts: z.array(partSchema).optional() }).optional(),
        finishReason: z.string().optional(),
      }),
    )
    .optional(),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional().catch(undefined),
  usageMetadata: usageSchema,
  responseId: z.string().optional().catch(undefined),
  error: z.unknown().optional(),
});
