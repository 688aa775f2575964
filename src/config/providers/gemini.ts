import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

/** Text, image, audio, video and PDF in; text out [D]. Its limit of input stands apart from the one of output. */
const everything: Omit<ModelInfo, "group"> = {
  contextTokens: 1_048_576,
  outputTokens: 65_536,
  accepts: ["image", "audio", "video", "file"],
  abilities: ["tools", "json", "json-schema", "reasoning", "streaming"],
};

/** Of Google's API and of Vertex. */
export const geminiModels: Readonly<Record<string, ModelInfo>> = {
  // Input and output together; of that, output as much as is left [D].
  "gemini-4-argon": { ...everything, group: "gemini-4-argon", outputTokens: 1_048_576 },
  "gemini-3.8-flash": { ...everything, group: "gemini-3.8-flash" },
  "gemini-3.7-flash": { ...everything, group: "gemini-3.7-flash" },
  "gemini-3.6-flash": { ...everything, group: "gemini-3.6-flash" },
  "gemini-3.5-flash": { ...everything, group: "gemini-3.5-flash" },
  "gemini-3.5-flash-lite": { ...everything, group: "gemini-3.5-flash-lite" },
  "gemini-3.1-pro-preview": { ...everything, group: "gemini-3.1-pro" },
  "gemini-3.1-flash-lite": { ...everything, group: "gemini-3.1-flash-lite" },
  "gemini-2.5-pro": { ...everything, group: "gemini-2.5-pro" },
  "gemini-2.5-flash": { ...everything, group: "gemini-2.5-flash" },
  "gemini-2.5-flash-lite": { ...everything, group: "gemini-2.5-flash-lite" },
  // Their limit is of one text, and a request holds many: no context [D].
  "gemini-embedding-001": { group: "gemini-embedding", operation: "embedding" },
  "gemini-embedding-2": { group: "gemini-embedding-2", operation: "embedding" },
};

export const gemini: ProviderEntry = {
  id: "gemini",
  requestsPerMinute: { variable: "GEMINI_RPM" },
  // Requests, input tokens and requests a day, by project and model; the window is not documented [D].
  limits: [
    { dimension: "requests", mode: "sliding", limit: 60 },
    { dimension: "inputTokens", mode: "sliding" },
    { dimension: "requestsPerDay", mode: "day" },
  ],
  charge: {
    // Nothing is said of estimates or of the cache: counted as reported, in full [I].
    input: "exact",
    cacheReads: "counted",
    // Output has no limit, so it is charged to none [D].
    output: "produced",
    outputWeight: 1,
    refund: "end",
    // Calls that failed with 400 or 500 still count [T].
    rejectsCount: true,
  },
  // Midnight Pacific [D]; one observation says otherwise, so the wait that a refusal names comes first.
  timeZone: "America/Los_Angeles",
  concurrency: undefined,
  priceBook: "google",
  defaultModel: "gemini-3.8-flash",
  models: geminiModels,
};
