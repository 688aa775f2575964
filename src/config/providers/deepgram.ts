import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

const listens: ModelInfo = { group: "listen", operation: "transcription" };

export const deepgram: ProviderEntry = {
  id: "deepgram",
  requestsPerMinute: { variable: "DEEPGRAM_RPM" },
  // Only calls under way are limited, for each project, not for each key [D].
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
  // Recordings at once with pay as you go or Growth [D]; contracts have more, and second projects of an account one [D].
  concurrency: 100,
  // Whisper Cloud, on both plans [D].
  concurrencyOf: { whisper: 5 },
  priceBook: "deepgram",
  defaultModel: "nova-3",
  models: {
    "nova-3": { ...listens, aliases: ["nova-3-general"] },
    "nova-3-medical": listens,
    "nova-2": { ...listens, aliases: ["nova-2-general"] },
    "nova-2-meeting": listens,
    "nova-2-phonecall": listens,
    "nova-2-medical": listens,
    enhanced: listens,
    base: listens,
    "whisper-large": { ...listens, group: "whisper" },
    "whisper-medium": { ...listens, group: "whisper" },
    "whisper-small": { ...listens, group: "whisper" },
  },
};
