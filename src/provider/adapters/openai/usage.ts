import { z } from "zod";
import type { Usage } from "../../../request/usage.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";
import type { Dialect } from "./dialect.ts";

const details = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).nullish().catch(undefined);

/** Of chat completions. Cached tokens have three places: OpenAI's, DeepSeek's and Moonshot's. */
export const chatUsageSchema = z
  .object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount,
    prompt_cache_hit_tokens: tokenCount,
    cached_tokens: tokenCount,
    prompt_tokens_details: details({
      cached_tokens: tokenCount,
      cache_write_tokens: tokenCount,
      audio_tokens: tokenCount,
      image_tokens: tokenCount,
    }),
    completion_tokens_details: details({ reasoning_tokens: tokenCount, audio_tokens: tokenCount }),
  })
  .nullish()
  .catch(undefined);
export type ChatUsage = z.infer<typeof chatUsageSchema>;

export function chatUsage(wire: ChatUsage, { reasoningTokens: accounting }: Pick<Dialect, "reasoningTokens">): Usage {
  const input = wire?.prompt_tokens_details;
  const output = wire?.completion_tokens_details;
  const spoken = wire?.completion_tokens;
  const thought = output?.reasoning_tokens;
  return usageOf({
    inputTokens: wire?.prompt_tokens,
    outputTokens: spoken !== undefined && accounting === "additional" ? spoken + (thought ?? 0) : spoken,
    cacheReadTokens: input?.cached_tokens ?? wire?.prompt_cache_hit_tokens ?? wire?.cached_tokens,
    cacheWriteTokens: input?.cache_write_tokens,
    reasoningTokens: thought,
    audioInputTokens: input?.audio_tokens,
    imageInputTokens: input?.image_tokens,
    audioOutputTokens: output?.audio_tokens,
  });
}

/** Of the Responses API. */
export const responseUsageSchema = z
  .object({
    input_tokens: tokenCount,
    output_tokens: tokenCount,
    input_tokens_details: details({ cached_tokens: tokenCount, cache_write_tokens: tokenCount }),
    output_tokens_details: details({ reasoning_tokens: tokenCount }),
  })
  .nullish()
  .catch(undefined);

export const responseUsage = (wire: z.infer<typeof responseUsageSchema>): Usage =>
  usageOf({
    inputTokens: wire?.input_tokens,
    outputTokens: wire?.output_tokens,
    cacheReadTokens: wire?.input_tokens_details?.cached_tokens,
    cacheWriteTokens: wire?.input_tokens_details?.cache_write_tokens,
    reasoningTokens: wire?.output_tokens_details?.reasoning_tokens,
  });
