/** Limits and sampling as both kinds of line write them. `null` means "not given", as it does at OpenAI. */
import { z } from "zod";
import { type Body, bodySchema } from "../../src/request/body.ts";

const { maxOutputTokens, temperature, topP, topK, seed } = bodySchema.shape;

export const samplingShape = {
  max_tokens: maxOutputTokens.nullable(),
  max_completion_tokens: maxOutputTokens.nullable(),
  temperature: temperature.nullable(),
  top_p: topP.nullable(),
  top_k: topK.nullable(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(16)], {
      error: "must be a text or a list of up to 16 texts, none of them empty",
    })
    .nullish(),
  seed: seed.nullable(),
};
const samplingSchema = z.object(samplingShape);

/** The fields of a body that the line gave. */
export function samplingOf(given: z.infer<typeof samplingSchema>): Partial<Body> {
  // max_completion_tokens is the newer name of the same limit.
  const longest = given.max_completion_tokens ?? given.max_tokens;
  const stop = typeof given.stop === "string" ? [given.stop] : given.stop;
  return {
    ...(isGiven(longest) ? { maxOutputTokens: longest } : {}),
    ...(isGiven(given.temperature) ? { temperature: given.temperature } : {}),
    ...(isGiven(given.top_p) ? { topP: given.top_p } : {}),
    ...(isGiven(given.top_k) ? { topK: given.top_k } : {}),
    ...(isGiven(stop) && stop.length > 0 ? { stop } : {}),
    ...(isGiven(given.seed) ? { seed: given.seed } : {}),
  };
}

const isGiven = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;
