/** Limits, sampling and reasoning as every wire writes them. `null` means "not given", as it does at OpenAI. */
import { z } from "zod";
import { type ChatBody, chatSchema } from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import { isGiven } from "./fields.ts";

const { maxOutputTokens, temperature, topP, topK, seed, presencePenalty, frequencyPenalty, reasoning } =
  chatSchema.shape;
const { effort, budgetTokens } = reasoning.unwrap().shape;

export const samplingShape = {
  max_tokens: maxOutputTokens.nullable(),
  max_completion_tokens: maxOutputTokens.nullable(),
  temperature: temperature.nullable(),
  top_p: topP.nullable(),
  presence_penalty: presencePenalty.nullable(),
  frequency_penalty: frequencyPenalty.nullable(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(16)], {
      error: "must be a text or a list of up to 16 texts, none of them empty",
    })
    .nullish(),
  seed: seed.nullable(),
  reasoning_effort: effort.nullable(),
};

/** What OpenAI's wire has no field for. */
export const nativeSamplingShape = {
  ...samplingShape,
  max_output_tokens: maxOutputTokens.nullable(),
  top_k: topK.nullable(),
  reasoning: z.strictObject({ effort: effort.nullable(), budget_tokens: budgetTokens.nullable() }).nullish(),
};
const samplingSchema = z.object(nativeSamplingShape).partial();

/** The fields of a body that were given. */
export function samplingOf(given: z.infer<typeof samplingSchema>): Partial<ChatBody> {
  // max_completion_tokens is OpenAI's newer name of the same limit.
  const longest = given.max_output_tokens ?? given.max_completion_tokens ?? given.max_tokens;
  const stop = typeof given.stop === "string" ? [given.stop] : given.stop;
  return {
    ...known({ maxOutputTokens: longest, temperature: given.temperature, topP: given.top_p, topK: given.top_k }),
    // A penalty of nothing asks for nothing, also of providers that have none.
    ...(given.presence_penalty ? { presencePenalty: given.presence_penalty } : {}),
    ...(given.frequency_penalty ? { frequencyPenalty: given.frequency_penalty } : {}),
    ...(isGiven(stop) && stop.length > 0 ? { stop } : {}),
    ...known({ seed: given.seed }),
    ...reasoningOf(given),
  };
}

function reasoningOf(given: z.infer<typeof samplingSchema>): Pick<ChatBody, "reasoning"> {
  const effort = given.reasoning?.effort ?? given.reasoning_effort;
  const budgetTokens = given.reasoning?.budget_tokens;
  return isGiven(effort) || isGiven(budgetTokens) ? { reasoning: known({ effort, budgetTokens }) } : {};
}
