/** The body of OpenAI's `/v1/embeddings`. */
import { z } from "zod";
import { type EmbeddingBody, embeddingSchema } from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import { type Read, read } from "./complaint.ts";
import { aboutOf, aboutShape, modelSchema, noModel } from "./fields.ts";

const texts = embeddingSchema.shape.input;
/** One text or several; OpenAI's lists of token numbers are of its own models. */
export const embeddingInput = z
  .union([texts.element, texts], { error: "must be a text or a list of 1 to 2048 texts, none of them empty" })
  .transform((input) => (typeof input === "string" ? [input] : input));

const bodySchema = z.strictObject({
  model: modelSchema.nullish(),
  input: embeddingInput,
  dimensions: embeddingSchema.shape.dimensions.nullable(),
  encoding_format: z.literal("float", { error: 'must be "float": vectors are lists of numbers' }).nullish(),
  user: aboutShape.user_id,
});

/** `at` is the path of the body; `model` is for a body that names none. */
export function readOpenaiEmbeddings(value: unknown, at: string, model?: string): Read<EmbeddingBody> {
  const body = read(bodySchema, value, at);
  if (!body.ok) return body;
  const { input, dimensions, user } = body.value;
  const named = body.value.model ?? model;
  if (named === undefined) return { ok: false, reason: noModel(at) };
  return {
    ok: true,
    value: {
      operation: "embedding",
      model: named,
      input,
      ...known({ dimensions }),
      ...aboutOf({ user_id: user }),
    },
  };
}
