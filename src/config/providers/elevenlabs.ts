import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

const speaks: ModelInfo = { group: "speech", operation: "speech", abilities: ["streaming"] };
const speaksFast: ModelInfo = { ...speaks, group: "flash" };

export const elevenlabs: ProviderEntry = {
  id: "elevenlabs",
  requestsPerMinute: { variable: "ELEVENLABS_RPM" },
  // Only calls under way are limited, by plan and family of models; there is no limit by the minute [D].
  limits: [],
  charge: {
    input: "exact",
    cacheReads: "counted",
    output: "produced",
    outputWeight: 1,
    refund: "end",
    rejectsCount: false,
  },
  timeZone: "UTC",
  // The free plan's, so that nothing is refused on any; set `concurrency` for yours: Starter 3, Creator 5, Pro 10, Scale and
  // Business 15, twice that with Flash and Turbo [T].
  concurrency: 2,
  concurrencyOf: { flash: 4 },
  priceBook: "elevenlabs",
  defaultModel: "eleven_multilingual_v2",
  models: {
    eleven_v3: speaks,
    eleven_multilingual_v2: speaks,
    eleven_flash_v2_5: speaksFast,
    eleven_flash_v2: speaksFast,
    eleven_turbo_v2_5: speaksFast,
    eleven_turbo_v2: speaksFast,
  },
};
