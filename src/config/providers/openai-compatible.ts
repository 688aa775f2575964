/** Those that speak OpenAI's wire. Limits are the account's own almost everywhere: what is not documented stays absent. */
import type { DefaultLimit, ModelInfo, ProviderEntry } from "../provider-entry.ts";

/** Until their headers or their refusals say more: calls and tokens as they are reported, refused calls too [I]. */
const usual = {
  limits: [
    { dimension: "requests", mode: "sliding" },
    { dimension: "tokens", mode: "sliding" },
  ] satisfies readonly DefaultLimit[],
  charge: {
    input: "exact",
    cacheReads: "counted",
    output: "produced",
    outputWeight: 1,
    refund: "end",
    rejectsCount: true,
  },
  timeZone: "UTC",
  concurrency: undefined,
} as const;

const requestsAt = (limit: number): readonly DefaultLimit[] => [
  { dimension: "requests", mode: "sliding", limit },
  { dimension: "tokens", mode: "sliding" },
];

/** Each model by itself. Context windows: price book [T]. */
const windows = (sizes: Readonly<Record<string, number>>): Readonly<Record<string, ModelInfo>> =>
  Object.fromEntries(
    Object.entries(sizes).map(([model, contextTokens]) => [model, { group: groupOf(model), contextTokens }]),
  );

/** A lane's name has no slash. */
const groupOf = (model: string): string => model.split("/").at(-1) ?? model;

export const openaiCompatible: readonly ProviderEntry[] = [
  {
    ...usual,
    id: "groq",
    requestsPerMinute: { variable: "GROQ_RPM" },
    // The free plan's [D]; cached tokens are free [D].
    limits: requestsAt(30),
    charge: { ...usual.charge, cacheReads: "free" },
    priceBook: "groq",
    defaultModel: "llama-3.3-70b-versatile",
    models: windows({ "llama-3.3-70b-versatile": 131_072, "llama-3.1-8b-instant": 131_072 }),
  },
  {
    ...usual,
    id: "together",
    requestsPerMinute: { variable: "TOGETHER_RPM" },
    priceBook: "together",
    defaultModel: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    models: windows({ "meta-llama/Llama-3.3-70B-Instruct-Turbo": 131_072 }),
  },
  {
    ...usual,
    id: "mistral",
    requestsPerMinute: { variable: "MISTRAL_RPM" },
    // One a second on the free plan [T].
    limits: [
      { dimension: "requests", mode: "second", limit: 60 },
      { dimension: "tokens", mode: "sliding" },
    ],
    priceBook: "mistral",
    defaultModel: "mistral-small-2603",
    models: {
      ...windows({ "mistral-small-2603": 262_144, "mistral-large-2512": 262_144, "mistral-medium-3-5": 262_144 }),
      "mistral-embed": { group: "mistral-embed", operation: "embedding", contextTokens: 8_192 },
    },
  },
  {
    ...usual,
    id: "deepseek",
    requestsPerMinute: { variable: "DEEPSEEK_RPM" },
    // It sets no limit on requests and slows down instead [D].
    priceBook: "deepseek",
    defaultModel: "deepseek-v4-flash",
    models: windows({ "deepseek-v4-flash": 1_000_000, "deepseek-v4-pro": 1_000_000 }),
  },
  {
    ...usual,
    id: "kimi",
    requestsPerMinute: { variable: "MOONSHOT_RPM" },
    priceBook: "moonshotai",
    defaultModel: "kimi-k2.6",
    models: windows({ "kimi-k3": 1_048_576, "kimi-k2.6": 262_144, "kimi-k2.5": 262_144 }),
  },
  {
    ...usual,
    id: "qwen",
    requestsPerMinute: { variable: "DASHSCOPE_RPM" },
    // The book has no prices of Alibaba's: costs are unknown.
    priceBook: "dashscope",
    defaultModel: "qwen-plus",
    models: { "text-embedding-v4": { group: "text-embedding-v4", operation: "embedding" } },
  },
  {
    ...usual,
    id: "openrouter",
    requestsPerMinute: { variable: "OPENROUTER_RPM" },
    // Its models are other providers': none is named here, or `openai/…` would mean OpenRouter's.
    priceBook: "openrouter",
    defaultModel: "openrouter/auto",
    models: {},
  },
  {
    ...usual,
    id: "cohere",
    requestsPerMinute: { variable: "COHERE_RPM" },
    // Of a production key [D].
    limits: requestsAt(500),
    priceBook: "cohere",
    defaultModel: "command-a-03-2025",
    models: {
      "command-a-03-2025": { group: "command-a", contextTokens: 256_000, outputTokens: 8_192 },
      "embed-v4.0": { group: "embed-v4.0", operation: "embedding", contextTokens: 128_000 },
    },
  },
  {
    ...usual,
    id: "huggingface",
    requestsPerMinute: { variable: "HUGGINGFACE_RPM" },
    // The router chooses who answers, and the price is theirs: costs are unknown.
    priceBook: "huggingface",
    defaultModel: "meta-llama/Llama-3.3-70B-Instruct",
    models: windows({ "meta-llama/Llama-3.3-70B-Instruct": 131_072 }),
  },
  {
    ...usual,
    id: "fireworks",
    requestsPerMinute: { variable: "FIREWORKS_RPM" },
    priceBook: "fireworks",
    defaultModel: "accounts/fireworks/models/gpt-oss-120b",
    models: windows({
      "accounts/fireworks/models/gpt-oss-120b": 131_072,
      "accounts/fireworks/models/kimi-k2p5": 262_144,
    }),
  },
  {
    ...usual,
    id: "cerebras",
    requestsPerMinute: { variable: "CEREBRAS_RPM" },
    // The free plan's [D]; input and max_completion_tokens are charged when a call arrives [D].
    limits: requestsAt(30),
    charge: { ...usual.charge, input: "estimated", output: "reserved", refund: "none" },
    priceBook: "cerebras",
    defaultModel: "gpt-oss-120b",
    models: windows({ "gpt-oss-120b": 131_072 }),
  },
  {
    ...usual,
    id: "vllm",
    requestsPerMinute: { variable: "VLLM_RPM" },
    // Your own machine: it counts nothing, and its models are the ones that you load.
    limits: [],
    priceBook: "vllm",
    defaultModel: "meta-llama/Llama-3.1-8B-Instruct",
    models: {},
  },
  {
    ...usual,
    id: "ollama",
    requestsPerMinute: { variable: "OLLAMA_RPM" },
    limits: [],
    priceBook: "ollama",
    defaultModel: "llama3.2",
    models: {},
  },
];
