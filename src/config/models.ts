/**
 * Data: which models each provider offers by name, which share a limit pool, and how the provider meters a pool.
 * Not a list of what is allowed: `provider/any-model` passes through in the pool `<provider>.other`.
 *
 * Sources, as of November 2026: [D] the provider's own documentation, [T] a third party that quotes it, [I] inferred.
 */
import type { ChargePolicy, Dimension, LimitMode } from "./pool.ts";

export interface ProviderEntry {
  readonly id: string;
  /** Variable that sets requests/min of each of its pools. */
  readonly requestsPerMinute: { readonly variable: "CLAUDE_RPM" | "GEMINI_RPM" | "OPENAI_RPM" };
  readonly limits: readonly DefaultLimit[];
  readonly charge: ChargePolicy;
  /** Whose midnight starts daily counters anew. */
  readonly timeZone: string;
  /** Undefined: not documented. */
  readonly concurrency: number | undefined;
  /** The price book's name of the provider. */
  readonly priceBook: string;
  readonly defaultModel: string;
  /** Vendor model → group that the vendor meters together. */
  readonly models: Readonly<Record<string, string>>;
}

export interface DefaultLimit {
  readonly dimension: Dimension;
  readonly mode: LimitMode;
  /** Undefined: depends on the account; the provider's headers tell. */
  readonly limit?: number;
  readonly burstSeconds?: number;
}

/**
 * Of a bucket for which nobody said. Requests: 60 a minute "might be enforced as 1 request per second" [D Anthropic], "can
 * be quantized" [D OpenAI], so a tenth of the minute. Tokens: captured headers fit a bucket of one period [I OpenAI].
 */
export const usualBurstSeconds: Readonly<Record<Dimension, number>> = {
  requests: 6,
  inputTokens: 60,
  outputTokens: 60,
  tokens: 60,
  requestsPerDay: 60,
  tokensPerDay: 60,
};

/** Spread of the way to a provider: about half a round trip [I]. */
export const usualJitterMs = 50;

export const providerEntries: readonly ProviderEntry[] = [
  {
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
    models: {
      "claude-opus-5-5": "opus",
      "claude-sonnet-5": "sonnet",
      "claude-haiku-4-5": "haiku",
    },
  },
  {
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
    models: { "gpt-5.5": "gpt-5.5", "gpt-5": "gpt-5", "gpt-5-mini": "gpt-5-mini", "gpt-4o-mini": "gpt-4o-mini" },
  },
  {
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
    models: {
      "gemini-3.8-flash": "gemini-3.8-flash",
      "gemini-3.5-flash": "gemini-3.5-flash",
      "gemini-2.5-flash": "gemini-2.5-flash",
    },
  },
];
