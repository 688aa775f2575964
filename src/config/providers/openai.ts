import type { Ability, ModelInfo, ProviderEntry } from "../provider-entry.ts";

const abilities: readonly Ability[] = ["tools", "json", "json-schema", "streaming"];
const sees: Pick<ModelInfo, "accepts" | "abilities"> = { accepts: ["image", "file"], abilities };
const thinks: Pick<ModelInfo, "accepts" | "abilities"> = { ...sees, abilities: [...abilities, "reasoning"] };
/** Output of GPT-5 and its followers [D]. */
const long = { ...thinks, outputTokens: 128_000 };

/** Context windows: price book [T]; output limits and media: model pages [D]. */
export const openaiModels: Readonly<Record<string, ModelInfo>> = {
  "gpt-6-astra": { group: "gpt-6-astra", contextTokens: 1_050_000 },
  "gpt-6-sol": { group: "gpt-6-sol", contextTokens: 1_050_000 },
  "gpt-6-luna": { group: "gpt-6-luna", contextTokens: 1_050_000 },
  "gpt-5.6-sol": { group: "gpt-5.6-sol", contextTokens: 1_050_000, ...thinks, aliases: ["gpt-5.6"] },
  "gpt-5.6-terra": { group: "gpt-5.6-terra", contextTokens: 1_050_000, ...thinks },
  "gpt-5.6-luna": { group: "gpt-5.6-luna", contextTokens: 1_050_000, ...thinks },
  "gpt-5.5": { group: "gpt-5.5", contextTokens: 1_000_000, ...long, aliases: ["gpt-5.5-2026-04-23"] },
  "gpt-5.5-pro": { group: "gpt-5.5-pro", contextTokens: 1_000_000, aliases: ["gpt-5.5-pro-2026-04-23"] },
  "gpt-5.4": { group: "gpt-5.4", contextTokens: 1_050_000, ...long, aliases: ["gpt-5.4-2026-03-05"] },
  "gpt-5.4-pro": { group: "gpt-5.4-pro", contextTokens: 1_050_000, aliases: ["gpt-5.4-pro-2026-03-05"] },
  "gpt-5.4-mini": { group: "gpt-5.4-mini", contextTokens: 400_000, ...long, aliases: ["gpt-5.4-mini-2026-03-17"] },
  "gpt-5.4-nano": { group: "gpt-5.4-nano", contextTokens: 400_000, ...long, aliases: ["gpt-5.4-nano-2026-03-17"] },
  "gpt-5.3-codex": { group: "gpt-5.3-codex", contextTokens: 400_000, ...long },
  "gpt-5.2": { group: "gpt-5.2", contextTokens: 400_000, ...long, aliases: ["gpt-5.2-2025-12-11"] },
  "gpt-5.1": { group: "gpt-5.1", contextTokens: 400_000, ...long, aliases: ["gpt-5.1-2025-11-13"] },
  "gpt-5": { group: "gpt-5", contextTokens: 400_000, ...long, aliases: ["gpt-5-2025-08-07"] },
  "gpt-5-mini": { group: "gpt-5-mini", contextTokens: 400_000, ...long, aliases: ["gpt-5-mini-2025-08-07"] },
  "gpt-5-nano": { group: "gpt-5-nano", contextTokens: 400_000, ...long, aliases: ["gpt-5-nano-2025-08-07"] },
  "gpt-5-pro": { group: "gpt-5-pro", contextTokens: 400_000, aliases: ["gpt-5-pro-2025-10-06"] },
  "gpt-4.1": {
    group: "gpt-4.1",
    contextTokens: 1_000_000,
    outputTokens: 32_768,
    ...sees,
    aliases: ["gpt-4.1-2025-04-14"],
  },
  "gpt-4.1-mini": {
    group: "gpt-4.1-mini",
    contextTokens: 1_000_000,
    outputTokens: 32_768,
    ...sees,
    aliases: ["gpt-4.1-mini-2025-04-14"],
  },
  "gpt-4o": {
    group: "gpt-4o",
    contextTokens: 128_000,
    outputTokens: 16_384,
    ...sees,
    aliases: ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"],
  },
  "gpt-4o-mini": {
    group: "gpt-4o-mini",
    contextTokens: 128_000,
    outputTokens: 16_384,
    ...sees,
    aliases: ["gpt-4o-mini-2024-07-18"],
  },
  "gpt-audio": {
    group: "gpt-audio",
    contextTokens: 128_000,
    accepts: ["audio"],
    aliases: ["gpt-audio-2025-08-28", "gpt-audio-1.5"],
  },
  o3: { group: "o3", contextTokens: 200_000, outputTokens: 100_000, ...thinks, aliases: ["o3-2025-04-16"] },
  "o3-pro": { group: "o3-pro", contextTokens: 200_000, aliases: ["o3-pro-2025-06-10"] },
  "o4-mini": {
    group: "o4-mini",
    contextTokens: 200_000,
    outputTokens: 100_000,
    ...thinks,
    aliases: ["o4-mini-2025-04-16"],
  },
  "text-embedding-3-small": { group: "text-embedding-3-small", operation: "embedding", contextTokens: 8_192 },
  "text-embedding-3-large": { group: "text-embedding-3-large", operation: "embedding", contextTokens: 8_192 },
  "whisper-1": { group: "whisper-1", operation: "transcription" },
  "gpt-4o-transcribe": { group: "gpt-4o-transcribe", operation: "transcription" },
  "gpt-4o-mini-transcribe": { group: "gpt-4o-mini-transcribe", operation: "transcription" },
  "gpt-4o-mini-tts": { group: "gpt-4o-mini-tts", operation: "speech" },
  "tts-1": { group: "tts-1", operation: "speech" },
};

export const openai: ProviderEntry = {
  id: "openai",
  requestsPerMinute: { variable: "OPENAI_RPM" },
  // Requests and tokens of both kinds together [D]; captured headers fit a bucket that refills all the time [I].
  limits: [
    { dimension: "requests", mode: "bucket", limit: 50, burstSeconds: 6 },
    { dimension: "tokens", mode: "bucket", burstSeconds: 60 },
  ],
  charge: {
    // From the count of characters, at arrival [T]; cached input is not said to be spared [I].
    input: "estimated",
    cacheReads: "counted",
    // One page says max_tokens or the estimate, whichever is larger [T], another their sum [D]: the sum is safe.
    output: "reserved",
    outputWeight: 1,
    // Not documented: what is not said to come back is taken for gone [I].
    refund: "none",
    // "Unsuccessful requests contribute to your per-minute limit" [D].
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "openai",
  defaultModel: "gpt-5-mini",
  models: openaiModels,
};
