import type { ProviderEntry } from "../provider-entry.ts";
import { openaiModels } from "./openai.ts";

/** Those that this adapter has functions for. */
const withoutSound = Object.fromEntries(
  Object.entries(openaiModels).filter(
    ([, { operation = "chat" }]) => operation === "chat" || operation === "embedding",
  ),
);

export const azureOpenai: ProviderEntry = {
  id: "azure-openai",
  requestsPerMinute: { variable: "AZURE_OPENAI_RPM" },
  // By deployment. Requests "over a small period of time, typically 1 or 10 seconds"; tokens by a count that is reset each
  // minute [D]. The quota is the account's own, so the number is only a beginning [I].
  limits: [
    { dimension: "requests", mode: "second", limit: 60 },
    { dimension: "tokens", mode: "minute" },
  ],
  charge: {
    // An estimate of the prompt, partly from characters, and max_tokens, when the request arrives [D].
    input: "estimated",
    cacheReads: "counted",
    output: "reserved",
    outputWeight: 1,
    refund: "none",
    // Refused calls count [D].
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "azure",
  defaultModel: "gpt-5-mini",
  // A deployment has the name that its owner gave it; those that are called like their model are known here.
  models: withoutSound,
};
