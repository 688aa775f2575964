/**
 * What Gemini counts. `promptTokenCount` has the cached tokens in it; `candidatesTokenCount` has the thoughts not in it;
 * what its own tools read is apart (`toolUsePromptTokenCount`) and is input.
 */
import { z } from "zod";
import type { Usage } from "../../../request/usage.ts";
import { known } from "../../../runtime/known.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";

const details = z
  .array(z.object({ modality: z.string(), tokenCount }))
  .optional()
  .catch(undefined);
export const usageSchema = z
  .object({
    promptTokenCount: tokenCount,
    toolUsePromptTokenCount: tokenCount,
    cachedContentTokenCount: tokenCount,
    candidatesTokenCount: tokenCount,
    thoughtsTokenCount: tokenCount,
    totalTokenCount: tokenCount,
    promptTokensDetails: details,
    toolUsePromptTokensDetails: details,
    candidatesTokensDetails: details,
  })
  .optional()
  .catch(undefined);
export type WireUsage = z.infer<typeof usageSchema>;

export function tokens(wire: WireUsage): Usage {
  const { candidatesTokenCount: visible, totalTokenCount: total, thoughtsTokenCount } = wire ?? {};
  const input = inputOf(wire);
  // Protobuf leaves out what is zero: a missing output count is unknown only where the total does not tell it.
  const rest = input === undefined || total === undefined || total < input ? undefined : total - input;
  const outputTokens = visible === undefined ? rest : visible + (thoughtsTokenCount ?? 0);
  return {
    ...inputTokens(wire),
    ...usageOf({ outputTokens, reasoningTokens: thoughtsTokenCount }),
    ...known({ audioOutputTokens: ofModality("AUDIO", wire?.candidatesTokensDetails) }),
  };
}

/** What a broken stream leaves known: counts of output run on until the end. */
export function inputTokens(wire: WireUsage): Usage {
  const lists = [wire?.promptTokensDetails, wire?.toolUsePromptTokensDetails];
  return {
    ...usageOf({ inputTokens: inputOf(wire), cacheReadTokens: wire?.cachedContentTokenCount }),
    ...known({
      audioInputTokens: ofModality("AUDIO", ...lists),
      imageInputTokens: ofModality("IMAGE", ...lists),
      videoInputTokens: ofModality("VIDEO", ...lists),
    }),
  };
}

const inputOf = (wire: WireUsage): number | undefined =>
  wire?.promptTokenCount === undefined ? undefined : wire.promptTokenCount + (wire.toolUsePromptTokenCount ?? 0);

/** Undefined where no list names the modality. */
function ofModality(modality: string, ...lists: readonly z.infer<typeof details>[]): number | undefined {
  const counts = lists
    .flatMap((list) => list ?? [])
    .flatMap((entry) => (entry.modality === modality && entry.tokenCount !== undefined ? [entry.tokenCount] : []));
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}
