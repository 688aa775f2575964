/**
 * The shape of what is known of a provider by name: which models it offers, which of them share a limit pool, and how it
 * meters a pool. One file for each in `providers/`.
 *
 * Sources, as of November 2026: [D] the provider's own documentation, [T] a third party that quotes it, [I] inferred.
 */
import type { Operation } from "../request/body.ts";
import type { ChargePolicy, Dimension, LimitMode } from "./pool.ts";

export interface ProviderEntry {
  readonly id: string;
  /** Variable that sets requests/min of each of its pools. */
  readonly requestsPerMinute: { readonly variable: string };
  readonly limits: readonly DefaultLimit[];
  readonly charge: ChargePolicy;
  /** Whose midnight starts daily counters anew. */
  readonly timeZone: string;
  /** Undefined: not documented. */
  readonly concurrency: number | undefined;
  /** By group of models, where it differs from `concurrency`. */
  readonly concurrencyOf?: Readonly<Record<string, number>>;
  /** The price book's name of the provider. */
  readonly priceBook: string;
  readonly defaultModel: string;
  /** By the vendor's name. Not a list of what is allowed: any other model passes, in the pool `<provider>.other`. */
  readonly models: Readonly<Record<string, ModelInfo>>;
}

export interface DefaultLimit {
  readonly dimension: Dimension;
  readonly mode: LimitMode;
  /** Undefined: depends on the account; the provider's headers tell. */
  readonly limit?: number;
  readonly burstSeconds?: number;
}

export const media = ["image", "audio", "video", "file"] as const;
export type Medium = (typeof media)[number];
export const abilities = ["tools", "json", "json-schema", "reasoning", "streaming"] as const;
export type Ability = (typeof abilities)[number];

/** What is known of a model. Absent: not known, and nothing is refused for it. */
export interface ModelInfo {
  /** Models of one group share a pool: the vendor meters them together. */
  readonly group: string;
  /** `chat` unless said. */
  readonly operation?: Operation;
  /** Tokens of prompt and answer together. */
  readonly contextTokens?: number;
  readonly outputTokens?: number;
  /** What its messages may hold beside text. */
  readonly accepts?: readonly Medium[];
  readonly abilities?: readonly Ability[];
  /** The vendor's other names of it, such as one with a date. */
  readonly aliases?: readonly string[];
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

/** Undefined: nothing is known of it. A model may be called `constructor`: only our own entries count. */
export function modelInfo({ models }: ProviderEntry, model: string): ModelInfo | undefined {
  if (Object.hasOwn(models, model)) return models[model];
  return Object.values(models).find(({ aliases }) => aliases?.includes(model));
}

/** The groups of models that share a pool. */
export const groupsOf = ({ models }: ProviderEntry): ReadonlySet<string> =>
  new Set([...Object.values(models).map(({ group }) => group), otherGroup]);

/** Of models that are not known by name. */
export const otherGroup = "other";
