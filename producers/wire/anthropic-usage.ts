/**
 * Usage as Anthropic counts it: the cache apart from the input. What is unknown is null, also where the SDK's types promise a
 * number: a zero would be taken for a count.
 */
import type { Usage } from "../../src/request/usage.ts";

export function anthropicUsage(usage: Usage) {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, cacheWriteHourTokens, reasoningTokens } = usage;
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  return {
    input_tokens: inputTokens === undefined ? null : Math.max(0, inputTokens - cached),
    cache_creation_input_tokens: cacheWriteTokens ?? null,
    cache_read_input_tokens: cacheReadTokens ?? null,
    cache_creation:
      cacheWriteTokens === undefined || cacheWriteHourTokens === undefined
        ? null
        : {
            ephemeral_5m_input_tokens: cacheWriteTokens - cacheWriteHourTokens,
            ephemeral_1h_input_tokens: cacheWriteHourTokens,
          },
    output_tokens: outputTokens ?? null,
    output_tokens_details: reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens },
    server_tool_use: null,
    service_tier: null,
    inference_geo: null,
    speed: null,
  };
}
