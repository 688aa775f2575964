import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

const talks: Pick<ModelInfo, "abilities"> = { abilities: ["tools", "json", "json-schema", "streaming"] };
const thinks: Pick<ModelInfo, "abilities"> = {
  abilities: ["tools", "json", "json-schema", "streaming", "reasoning"],
};

export const grok: ProviderEntry = {
  id: "grok",
  requestsPerMinute: { variable: "XAI_RPM" },
  // A sixtieth of the requests each second, hard, by team and model; tokens of all kinds, in a window that is not said [D].
  // The number depends on the account [I].
  limits: [
    { dimension: "requests", mode: "second", limit: 60 },
    { dimension: "tokens", mode: "sliding" },
  ],
  charge: {
    // All tokens, cached prompt and reasoning too [D].
    input: "exact",
    cacheReads: "counted",
    output: "produced",
    outputWeight: 1,
    refund: "end",
    // Not documented [I].
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "x-ai",
  defaultModel: "grok-4.6",
  // Context windows: price book [T].
  models: {
    "grok-4.6": { group: "grok-4.6", contextTokens: 500_000, ...thinks, aliases: ["grok-4.6-latest"] },
    "grok-4.5": { group: "grok-4.5", contextTokens: 500_000, ...thinks, aliases: ["grok-4.5-latest", "grok-latest"] },
    "grok-4.3": { group: "grok-4.3", contextTokens: 1_000_000, ...thinks, aliases: ["grok-4.3-latest"] },
    "grok-4-1-fast-reasoning": {
      group: "grok-4-1-fast-reasoning",
      contextTokens: 2_000_000,
      ...thinks,
      aliases: ["grok-4-1-fast"],
    },
    "grok-4-1-fast-non-reasoning": { group: "grok-4-1-fast-non-reasoning", contextTokens: 2_000_000, ...talks },
    "grok-code-fast-1": { group: "grok-code-fast-1", contextTokens: 256_000, ...thinks, aliases: ["grok-code-fast"] },
  },
};
