import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

/** Of every model since 4.5 [D]. */
const usual = {
  accepts: ["image", "file"],
  abilities: ["tools", "json", "json-schema", "reasoning", "streaming"],
} as const;
/** From 4.6 on; before, a fifth of it and half of the output [D]. */
const long = { contextTokens: 1_000_000, outputTokens: 128_000, ...usual };
const short = { contextTokens: 200_000, outputTokens: 64_000, ...usual };

/** Pools: Opus 4.5 to 4.8 share one, Opus 5 and Sonnet 5 have their own [D]; the rest by generation [I]. */
export const claudeModels: Readonly<Record<string, ModelInfo>> = {
  "claude-opus-5-5": { group: "opus", ...long },
  "claude-opus-5": { group: "opus-5", ...long },
  "claude-opus-4-8": { group: "opus-4", ...long },
  "claude-opus-4-7": { group: "opus-4", ...long },
  "claude-opus-4-6": { group: "opus-4", ...long },
  "claude-opus-4-5": { group: "opus-4", ...short, aliases: ["claude-opus-4-5-20251101"] },
  "claude-sonnet-5-5": { group: "sonnet-5-5", ...long },
  "claude-sonnet-5": { group: "sonnet", ...long },
  "claude-sonnet-4-6": { group: "sonnet-4", ...long },
  "claude-sonnet-4-5": { group: "sonnet-4", ...short, aliases: ["claude-sonnet-4-5-20250929"] },
  "claude-haiku-5-5": { group: "haiku-5-5", ...long },
  "claude-haiku-4-5": { group: "haiku", ...short, aliases: ["claude-haiku-4-5-20251001"] },
  "claude-fable-5-2": { group: "fable", ...long },
  "claude-fable-5-1": { group: "fable", ...long },
  "claude-fable-5": { group: "fable", ...long },
};

export const anthropic: ProviderEntry = {
  id: "anthropic",
  requestsPerMinute: { variable: "CLAUDE_RPM" },
  // Requests, input and output apart, by class of model, in buckets that are "continuously replenished" [D].
  limits: [
    { dimension: "requests", mode: "bucket", limit: 50, burstSeconds: 6 },
    { dimension: "inputTokens", mode: "bucket", burstSeconds: 60 },
    { dimension: "outputTokens", mode: "bucket", burstSeconds: 60 },
  ],
  charge: {
    // Estimated at the start, corrected during the call; cache reads are free [D].
    input: "exact",
    cacheReads: "free",
    // "Evaluated in real time as output tokens are produced"; max_tokens does not factor in [D].
    output: "produced",
    outputWeight: 1,
    refund: "end",
    // Nothing says that they are [I].
    rejectsCount: false,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "anthropic",
  defaultModel: "claude-haiku-4-5",
  models: claudeModels,
};
