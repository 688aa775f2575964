/**
 * xAI's Grok: OpenAI's chat completions with three differences.
 *  - `completion_tokens` leave reasoning out (xAI: "counted separately from completion_tokens").
 *  - Images are the only media; their own tools (search, code) go by `providerOptions.grok`.
 *  - Models that reason refuse penalties and stop sequences, in their own words.
 */
import { openaiCompatible } from "./openai-compatible.ts";

export const grok = openaiCompatible({
  id: "grok",
  name: "xAI",
  apiKey: ["XAI_API_KEY"],
  baseUrl: ["XAI_BASE_URL"],
  defaultBaseUrl: "https://api.x.ai/v1",
  dialect: { outputLimit: "max_completion_tokens", reasoningBack: undefined, reasoningTokens: "additional" },
});
