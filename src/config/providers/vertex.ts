import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";
import { geminiModels } from "./gemini.ts";

/** Vertex answers for it at another address, one text a call [D]. */
const { "gemini-embedding-2": _, ...gemini } = geminiModels;

/** Claude takes images and PDFs [D]. Context as the price book has it [T]. */
const claude: Omit<ModelInfo, "group"> = {
  contextTokens: 1_000_000,
  accepts: ["image", "file"],
  abilities: ["tools", "json", "json-schema", "reasoning", "streaming"],
};

export const vertex: ProviderEntry = {
  id: "vertex",
  requestsPerMinute: { variable: "VERTEX_RPM" },
  // Gemini has no quota: capacity is shared, and a 429 says that it is used up [D]. Claude has requests and tokens a
  // minute by project, region and model [D]. The number is our own, to begin with [I].
  limits: [
    { dimension: "requests", mode: "sliding", limit: 60 },
    { dimension: "tokens", mode: "sliding" },
  ],
  charge: {
    // Not documented: counted as reported, in full [I].
    input: "exact",
    cacheReads: "counted",
    output: "produced",
    outputWeight: 1,
    refund: "end",
    // Nothing says that they are not [I].
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "google",
  defaultModel: "gemini-3.8-flash",
  models: {
    ...gemini,
    "claude-opus-5-5": { ...claude, group: "claude-opus-5-5" },
    "claude-opus-5": { ...claude, group: "claude-opus-5" },
    "claude-sonnet-4-6": { ...claude, group: "claude-sonnet-4-6" },
    "claude-haiku-4-5": {
      ...claude,
      group: "claude-haiku-4-5",
      contextTokens: 200_000,
      aliases: ["claude-haiku-4-5@20251001"],
    },
  },
};
