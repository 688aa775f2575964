import { z } from "zod";
import type { Usage } from "../request/usage.ts";
import { known } from "../runtime/known.ts";

/** A count as a provider states it. Anything but a whole number of tokens is unknown. */
export const tokenCount = z.number().int().nonnegative().optional().catch(undefined);

/** Usage from counts that may be unknown. A part larger than its whole is unknown too: one of the two is wrong. */
export function usageOf(counts: { readonly [K in keyof Usage]?: Usage[K] | undefined }): Usage {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, cacheWriteHourTokens, reasoningTokens } =
    counts;
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  const cacheFits = inputTokens === undefined || cached <= inputTokens;
  const hourFits = cacheFits && (cacheWriteHourTokens ?? 0) <= (cacheWriteTokens ?? 0);
  const reasoningFits = outputTokens === undefined || (reasoningTokens ?? 0) <= outputTokens;
  return known({
    ...counts,
    cacheReadTokens: cacheFits ? cacheReadTokens : undefined,
    cacheWriteTokens: cacheFits ? cacheWriteTokens : undefined,
    cacheWriteHourTokens: hourFits ? cacheWriteHourTokens : undefined,
    reasoningTokens: reasoningFits ? reasoningTokens : undefined,
  });
}
