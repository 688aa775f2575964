/**
 * Expected failures of a provider call, as a closed list. A kind says what went wrong in terms that decide what happens
 * next; which status code or body it came from is the adapter's business alone.
 */
export const failureKinds = [
  "rate", // our own requests or tokens per minute
  "ramp", // the provider's acceleration limit: grew too fast
  "concurrency", // our own concurrent calls
  "capacity", // the provider is busy (529, 503 overloaded)
  "reduced", // the provider lowered our limit for a while
  "quotaDay", // a daily quota, back at its reset
  "quotaHard", // spend cap, credit or billing: waiting does not help
  "server", // 500, 502, 504, or an answer that cannot be read
  "timeout", // first token, idle or total time was over
  "network", // DNS, TLS, connection reset
  "stream", // a stream that ended without its terminal event
  "auth", // 401, 403: this credential
  "client", // 400, 404, 413, 422: this request
  "schema", // the answer is not of the form that was asked for
  "stopped", // we ended it: drain, cancel, a lost lease
  "deadline", // we ended it: its caller's deadline passed
] as const;

export type FailureKind = (typeof failureKinds)[number];

/** One expected failure of one call. Messages are the provider's own words, with no prompt and no key in them. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** The provider's own code, such as `rate_limit_exceeded` or `overloaded_error`. */
  readonly code?: string;
  /** Floor for the next try, from `retry-after-ms`, `retry-after`, `RetryInfo` or the message, in milliseconds. */
  readonly retryAfterMs?: number;
}
