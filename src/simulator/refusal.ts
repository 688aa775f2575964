/** Why a call gets an error instead of an answer. Each wire has a row for every kind. */
export type Refusal =
  | { readonly kind: "no-key" }
  | { readonly kind: "wrong-key"; readonly key: string }
  | { readonly kind: "unreadable" }
  | { readonly kind: "invalid"; readonly problem: Problem }
  | { readonly kind: "unknown-model"; readonly model: string }
  | { readonly kind: "unknown-path"; readonly method: string; readonly path: string }
  | { readonly kind: "too-large"; readonly limitBytes: number }
  | ({ readonly kind: "rate" } & RateRefusal)
  | { readonly kind: "quota" }
  | { readonly kind: "server-error" }
  | { readonly kind: "unavailable" }
  | { readonly kind: "overloaded" };

/** What is wrong with a body, by the path to it. */
export interface Problem {
  /** As `messages.0.role`; empty for the body itself. */
  readonly path: string;
  readonly isMissing: boolean;
  /** A whole sentence where a vendor has one of its own, else the validator's words. */
  readonly message: string;
  readonly code?: string;
}

/** What can be limited. A stored call names its dimension by the place in this list. */
export const dimensions = [
  "requests",
  "requestsPerDay",
  "inputTokens",
  "outputTokens",
  "tokens",
  "concurrency",
] as const;
export type Dimension = (typeof dimensions)[number];

export interface RateRefusal {
  readonly dimension: Dimension;
  /** Per minute, per day for `requestsPerDay`, or calls at once for concurrency. */
  readonly limit: number;
  /** Of a bucket, or in the present window. */
  readonly used: number;
  readonly requested: number;
  readonly retryAfterMs: number;
  /** The call is larger than the whole limit: waiting does not help. */
  readonly isTooLarge: boolean;
}
