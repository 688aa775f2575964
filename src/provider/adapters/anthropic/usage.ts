/** Tokens as Anthropic counts them: the cache apart from the input, here a part of it; thinking is output. */
import { z } from "zod";
import type { Usage } from "../../../request/usage.ts";
import { known } from "../../../runtime/known.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";

export const usageSchema = z
  .object({
    input_tokens: tokenCount,
    output_tokens: tokenCount,
    cache_read_input_tokens: tokenCount,
    cache_creation_input_tokens: tokenCount,
    /** What was written, by its lifetime. */
    cache_creation: z
      .object({ ephemeral_5m_input_tokens: tokenCount, ephemeral_1h_input_tokens: tokenCount })
      .optional()
      .catch(undefined),
    output_tokens_details: z.object({ thinking_tokens: tokenCount }).optional().catch(undefined),
  })
  .catch({});
export type WireUsage = z.infer<typeof usageSchema>;

export function tokens(wire: WireUsage): Usage {
  const { input_tokens: fresh, cache_read_input_tokens: read, cache_creation: lifetimes } = wire;
  const written = wire.cache_creation_input_tokens ?? sum(Object.values(lifetimes ?? {}));
  return usageOf({
    inputTokens: fresh === undefined ? undefined : fresh + (read ?? 0) + (written ?? 0),
    outputTokens: wire.output_tokens,
    cacheReadTokens: read,
    cacheWriteTokens: written,
    cacheWriteHourTokens: lifetimes?.ephemeral_1h_input_tokens,
    reasoningTokens: wire.output_tokens_details?.thinking_tokens,
  });
}

/** The output count of `message_start` is a placeholder: before `message_delta` only the input is known. */
export const usageAtStart = (wire: WireUsage | undefined): WireUsage => ({ ...wire, output_tokens: undefined });

/** `message_delta` counts from the start of the answer, and leaves out what did not change. */
export const usageLater = (before: WireUsage, wire: WireUsage): WireUsage => ({ ...before, ...known(wire) });

const sum = (counts: readonly (number | undefined)[]): number | undefined =>
  counts.length === 0 ? undefined : counts.reduce<number>((total, count) => total + (count ?? 0), 0);
