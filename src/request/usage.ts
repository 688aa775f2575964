import { z } from "zod";

const count = z.number().nonnegative().optional();

/**
 * What one call used. An absent field is unknown, never zero (invariant 11). Providers count in two ways; here
 * `inputTokens` includes what was read from and written to a cache, and audio and images; `outputTokens` includes
 * reasoning and audio; `cacheWriteTokens` includes `cacheWriteHourTokens`.
 */
export const usageSchema = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  /** Written to be kept for an hour, which costs more. */
  cacheWriteHourTokens: count,
  reasoningTokens: count,
  audioInputTokens: count,
  audioOutputTokens: count,
  imageInputTokens: count,
  videoInputTokens: count,
  /** Sound that was billed by its length. */
  audioSeconds: count,
  /** Text that was billed by its length. */
  characters: count,
});
export type Usage = Readonly<z.infer<typeof usageSchema>>;

/** True when the usage can be billed by tokens: both sides are known. */
export const isUsageKnown = (usage: Usage): boolean =>
  usage.inputTokens !== undefined && usage.outputTokens !== undefined;
