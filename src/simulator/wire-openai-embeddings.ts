/** OpenAI's embeddings. Errors, headers and keys are those of its chat completions. */
import { z } from "zod";
import type { Answer } from "./answer.ts";
import { invalid, problemOf } from "./problem.ts";
import { usualDimensions } from "./vectors.ts";
import type { Reading, Wire } from "./wire.ts";
import { openaiWire } from "./wire-openai.ts";
import { noWish } from "./wish.ts";

export const openaiEmbeddingsWire: Wire = {
  ...openaiWire,
  read,
  whole: (answer) => bodyOf(answer, answer.vectors ?? []),
  empty: (answer) => bodyOf(answer, []),
};

const requestSchema = z.object({
  model: z.string().min(1),
  input: z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]),
  dimensions: z.int().min(1).max(4_096).nullish(),
  encoding_format: z.enum(["float", "base64"]).nullish(),
});

function read(body: unknown): Reading {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return invalid(problemOf(parsed.error));
  const { model, input: texts, dimensions, encoding_format } = parsed.data;
  const embed = { texts, dimensions: dimensions ?? usualDimensions, packed: encoding_format === "base64" };
  const text = texts.join("\n");
  return {
    ok: true,
    ask: {
      model,
      text,
      maxOutputTokens: undefined,
      stop: [],
      stream: false,
      usageInStream: false,
      wish: { ...noWish, embed },
    },
  };
}

const bodyOf = ({ model, usage, packed }: Answer, vectors: readonly (readonly number[])[]): string =>
  JSON.stringify({
    object: "list",
    data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: packed ? pack(vector) : vector })),
    model,
    ...(usage === undefined ? {} : { usage: { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens } }),
  });

const pack = (vector: readonly number[]): string => Buffer.from(Float32Array.from(vector).buffer).toString("base64");
