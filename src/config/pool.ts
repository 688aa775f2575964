/**
 * A pool is what a provider meters together: its limits, how each is counted, and what a call is charged. One pool is one
 * lane. Which shape a provider has, and the source of it, stands beside the defaults in models.ts.
 */

/** What is counted. `tokens` is input and output together, where a provider does not count them apart. */
export const dimensions = [
  "requests",
  "inputTokens",
  "outputTokens",
  "tokens",
  "requestsPerDay",
  "tokensPerDay",
] as const;
export type Dimension = (typeof dimensions)[number];

/**
 * How a provider counts:
 *  - `bucket`: refills all the time and holds `burstSeconds` of the limit;
 *  - `minute`: a counter that starts anew with each minute of the clock;
 *  - `second`: a hard limit on every second (requests a minute ÷ 60), so calls are evenly spaced;
 *  - `sliding`: not documented; no window of a minute, wherever it starts, gets more than the limit;
 *  - `day`: a counter that starts anew with each day of `timeZone`.
 */
export const limitModes = ["bucket", "minute", "second", "sliding", "day"] as const;
export type LimitMode = (typeof limitModes)[number];

export interface Limit {
  readonly dimension: Dimension;
  readonly mode: LimitMode;
  /** Units a minute; a day for daily dimensions. Undefined: not known, until the provider's headers name one. */
  readonly limit: number | undefined;
  /** The operator set it: what the provider says may lower it, never raise it. */
  readonly fixed: boolean;
  /** Of a bucket: how many seconds' worth of the limit the provider lets through at once. */
  readonly burstSeconds: number;
  /** Of a daily counter: IANA name of the zone whose midnight starts it anew. */
  readonly timeZone: string;
}

/** What a call is charged, in the provider's own units. */
export interface ChargePolicy {
  /** `exact`: input is settled to what the provider reports; `estimated`: the provider's own first estimate stands. */
  readonly input: "exact" | "estimated";
  readonly cacheReads: "free" | "counted";
  /** Output is charged as `produced`, `reserved` by max_tokens, or the `larger` of input and max_tokens is charged. */
  readonly output: "produced" | "reserved" | "larger";
  /** Tokens charged for each token of output. */
  readonly outputWeight: number;
  /** Whether what was reserved and not used is given back at the end of the call. */
  readonly refund: "end" | "none";
  /** Refused calls are charged as well. */
  readonly rejectsCount: boolean;
}

export interface Pool {
  /** `<provider>.<group>`; also the name of the lane, so no colon. */
  readonly id: string;
  readonly provider: string;
  readonly limits: readonly Limit[];
  /** Calls in flight over the whole fleet. Undefined: not known; learned from what the provider refuses. */
  readonly concurrency: number | undefined;
  readonly charge: ChargePolicy;
  /** Spread of the time from our gate to the provider's, in milliseconds: longest minus shortest way. */
  readonly jitterMs: number;
}

export const limitOf = (pool: Pool, dimension: Dimension): number | undefined =>
  pool.limits.find((limit) => limit.dimension === dimension)?.limit;
