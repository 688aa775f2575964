/** Tools that a model may call, and the form its answer must have. */
import { z } from "zod";
import { json } from "./json.ts";
import { cacheHint } from "./parts.ts";

/** A JSON Schema, as an object. */
export const jsonSchema = z.record(z.string(), json);

export const toolSchema = z.strictObject({
  name: z.string().regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -"),
  description: z.string().optional(),
  /** JSON Schema of the arguments, of type object. */
  parameters: jsonSchema,
  /** The provider holds the model to the schema, where it can. */
  strict: z.boolean().optional(),
  cache: cacheHint.optional(),
});
export type Tool = z.infer<typeof toolSchema>;

/** `required`: some tool must be called; an object: this one. */
export const toolChoiceSchema = z.union([
  z.enum(["auto", "none", "required"]),
  z.strictObject({ name: z.string().min(1) }),
]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

export const responseFormatSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  /** Any JSON object. */
  z.strictObject({ type: z.literal("json") }),
  z.strictObject({
    type: z.literal("json-schema"),
    name: z
      .string()
      .regex(/^[\w-]{1,64}$/, "must be 1 to 64 letters, digits, _ or -")
      .optional(),
    schema: jsonSchema,
    strict: z.boolean().optional(),
  }),
]);
export type ResponseFormat = z.infer<typeof responseFormatSchema>;
