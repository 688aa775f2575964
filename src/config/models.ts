/**
 * Data: which models each provider offers by name, which share a limit pool, and each provider's default limits.
 * Not a list of what is allowed: `provider/any-model` passes through in the pool `<provider>.other`.
 */
export interface ProviderEntry {
  readonly id: string;
  /** Variable that sets requests/min of each of its pools, and the default. */
  readonly requestsPerMinute: {
    readonly variable: "CLAUDE_RPM" | "GEMINI_RPM" | "OPENAI_RPM";
    readonly default: number;
  };
  readonly concurrency: number;
  /** The price book's name of the provider. */
  readonly priceBook: string;
  readonly defaultModel: string;
  /** Vendor model → group that the vendor meters together. */
  readonly models: Readonly<Record<string, string>>;
}

export const providerEntries: readonly ProviderEntry[] = [
  {
    id: "anthropic",
    requestsPerMinute: { variable: "CLAUDE_RPM", default: 50 },
    concurrency: 50,
    priceBook: "anthropic",
    defaultModel: "claude-haiku-4-5",
    models: {
      "claude-opus-5-5": "opus",
      "claude-sonnet-5": "sonnet",
      "claude-haiku-4-5": "haiku",
    },
  },
  {
    id: "openai",
    requestsPerMinute: { variable: "OPENAI_RPM", default: 50 },
    concurrency: 50,
    priceBook: "openai",
    defaultModel: "gpt-5-mini",
    models: { "gpt-5.5": "gpt-5.5", "gpt-5": "gpt-5", "gpt-5-mini": "gpt-5-mini", "gpt-4o-mini": "gpt-4o-mini" },
  },
  {
    id: "gemini",
    requestsPerMinute: { variable: "GEMINI_RPM", default: 60 },
    concurrency: 50,
    priceBook: "google",
    defaultModel: "gemini-3.8-flash",
    models: {
      "gemini-3.8-flash": "gemini-3.8-flash",
      "gemini-3.5-flash": "gemini-3.5-flash",
      "gemini-2.5-flash": "gemini-2.5-flash",
    },
  },
];
