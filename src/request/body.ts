import { z } from "zod";

/** The longest prompt text accepted in one request, in bytes of JSON. A longer one is refused where it is handed in. */
export const maxBodyBytes = 32 * 1024 * 1024;

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
export const messageSchema = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.array(textPart).min(1),
});
export type Message = z.infer<typeof messageSchema>;

/**
 * What a caller asks for, in Millrace's own shape; producers translate other wires into it.
 * It is stored as the payload, so every later field must be optional: payloads outlive a deploy.
 */
export const bodySchema = z.strictObject({
  /** Logical model name, `provider/model`, or `default`. */
  model: z.string().min(1).max(200),
  system: z.string().optional(),
  messages: z.array(messageSchema).min(1),
  maxOutputTokens: z.number().int().min(1).max(1_000_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.number().int().min(1).optional(),
  stop: z.array(z.string().min(1)).min(1).max(16).optional(),
  seed: z.number().int().optional(),
  /** Ask the provider for a stream. The stored result is the same either way. */
  stream: z.boolean().optional(),
});
export type Body = z.infer<typeof bodySchema>;

/** One user turn of plain text: the shortest body there is. */
export const promptBody = (model: string, prompt: string): Body => ({
  model,
  messages: [{ role: "user", content: [{ type: "text", text: prompt }] }],
});
