import type { ModelInfo, ProviderEntry } from "../provider-entry.ts";

const all = ["tools", "json", "json-schema", "reasoning", "streaming"] as const;
const unthinking = ["tools", "json", "json-schema", "streaming"] as const;
const claude = { accepts: ["image", "file"], abilities: all } as const;
const nova = { accepts: ["image", "video", "file"], abilities: unthinking } as const;

/**
 * An id is the model's alone in its region, or an inference profile's that spans several, by the prefix. AWS counts the two
 * apart; here they share a pool, which is never too much.
 */
const across = (id: string, prefixes: readonly string[], info: ModelInfo): readonly [string, ModelInfo] => [
  id,
  { ...info, aliases: prefixes.map((prefix) => `${prefix}.${id}`) },
];
const everywhere = ["global", "us", "eu", "apac", "jp", "au"] as const;

export const bedrock: ProviderEntry = {
  id: "bedrock",
  requestsPerMinute: { variable: "BEDROCK_RPM" },
  // Tokens of both kinds a minute and a day, requests for some; by account, region and model; the window is not said [D].
  limits: [
    { dimension: "requests", mode: "sliding", limit: 50 },
    { dimension: "tokens", mode: "sliding" },
    { dimension: "tokensPerDay", mode: "day" },
  ],
  charge: {
    // Input and max_tokens at the start; at the end what was used, cache reads apart, and the rest comes back [D].
    input: "exact",
    cacheReads: "free",
    output: "reserved",
    // Five for Claude 4, ten and fifteen said of later ones [T]; one for the others: the documented burndown [D].
    outputWeight: 5,
    refund: "end",
    // Nothing says that they are [I].
    rejectsCount: false,
  },
  timeZone: "UTC",
  concurrency: undefined,
  priceBook: "aws",
  defaultModel: "anthropic.claude-haiku-4-5-20251001-v1:0",
  // Context: price book [T]; output of Claude and media: the models' pages [D].
  models: Object.fromEntries([
    across("anthropic.claude-haiku-4-5-20251001-v1:0", everywhere, {
      group: "claude-haiku-4-5",
      contextTokens: 200_000,
      outputTokens: 64_000,
      ...claude,
    }),
    across("anthropic.claude-sonnet-4-5-20250929-v1:0", everywhere, {
      group: "claude-sonnet-4-5",
      contextTokens: 200_000,
      outputTokens: 64_000,
      ...claude,
    }),
    across("anthropic.claude-sonnet-4-6", everywhere, {
      group: "claude-sonnet-4-6",
      contextTokens: 1_000_000,
      outputTokens: 128_000,
      ...claude,
    }),
    across("anthropic.claude-opus-4-6-v1", everywhere, {
      group: "claude-opus-4-6",
      contextTokens: 1_000_000,
      outputTokens: 128_000,
      ...claude,
    }),
    ...["opus-4-7", "opus-4-8", "sonnet-5", "opus-5", "opus-5-5", "fable-5-1"].map((name) =>
      across(`anthropic.claude-${name}`, everywhere, {
        group: `claude-${name}`,
        contextTokens: 1_000_000,
        outputTokens: 128_000,
        ...claude,
      }),
    ),
    across("amazon.nova-micro-v1:0", everywhere, {
      group: "nova-micro",
      contextTokens: 128_000,
      accepts: [],
      abilities: unthinking,
    }),
    across("amazon.nova-lite-v1:0", everywhere, { group: "nova-lite", contextTokens: 300_000, ...nova }),
    across("amazon.nova-pro-v1:0", everywhere, { group: "nova-pro", contextTokens: 300_000, ...nova }),
    across("amazon.nova-premier-v1:0", ["us"], { group: "nova-premier", contextTokens: 1_000_000, ...nova }),
    across("amazon.nova-2-lite-v1:0", everywhere, {
      group: "nova-2-lite",
      contextTokens: 1_000_000,
      ...nova,
      abilities: all,
    }),
    // It takes no instructions, so no form of its answer can be asked for [D].
    across("amazon.titan-text-express-v1", [], { group: "titan-text", abilities: ["streaming"] }),
    across("meta.llama3-3-70b-instruct-v1:0", ["us"], {
      group: "llama-3.3-70b",
      contextTokens: 128_000,
      accepts: ["file"],
      abilities: unthinking,
    }),
    across("meta.llama4-scout-17b-instruct-v1:0", ["us"], {
      group: "llama-4-scout",
      contextTokens: 10_000_000,
      accepts: ["image", "file"],
      abilities: unthinking,
    }),
    across("meta.llama4-maverick-17b-instruct-v1:0", ["us"], {
      group: "llama-4-maverick",
      contextTokens: 1_000_000,
      accepts: ["image", "file"],
      abilities: unthinking,
    }),
    across("openai.gpt-oss-120b-1:0", [], {
      group: "gpt-oss-120b",
      contextTokens: 128_000,
      accepts: [],
      abilities: all,
    }),
    across("openai.gpt-oss-20b-1:0", [], { group: "gpt-oss-20b", contextTokens: 128_000, accepts: [], abilities: all }),
    across("amazon.titan-embed-text-v2:0", [], {
      group: "titan-embed",
      operation: "embedding",
      contextTokens: 8_192,
    }),
    across("cohere.embed-multilingual-v3", [], { group: "cohere-embed", operation: "embedding" }),
    across("cohere.embed-english-v3", [], { group: "cohere-embed", operation: "embedding" }),
    across("cohere.embed-v4:0", everywhere, { group: "cohere-embed-4", operation: "embedding" }),
  ]),
};
