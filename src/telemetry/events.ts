/** The one table of names. `gen_ai.*` where OpenTelemetry's conventions have a name, `millrace.*` beyond. */
export const spanNames = {
  accept: "millrace.accept",
  queueWait: "millrace.queue_wait",
  attempt: "millrace.attempt",
  admit: "millrace.admit",
  /** Shown as `chat {model}`, a client span with gen_ai.* attributes. */
  call: "chat",
  record: "millrace.record",
} as const;
export type SpanName = keyof typeof spanNames;

export const countNames = {
  accepted: "millrace.requests.accepted",
  finished: "millrace.requests.finished",
  attempts: "millrace.attempts",
  deferred: "millrace.deferrals",
  superseded: "millrace.attempts.superseded",
  dispatched: "millrace.dispatched",
  rescued: "millrace.rescued",
  inputTokens: "millrace.tokens.input",
  outputTokens: "millrace.tokens.output",
  costNanoUsd: "millrace.cost.nano_usd",
  unpriced: "millrace.cost.unpriced_calls",
} as const;
export type CountName = keyof typeof countNames;

export const measureNames = {
  /** Milliseconds from acceptance to the claim. */
  queueWaitMs: "millrace.queue_wait.ms",
  /** Milliseconds of a provider call. */
  callMs: "gen_ai.client.operation.duration.ms",
  firstTokenMs: "gen_ai.server.time_to_first_token.ms",
} as const;
export type MeasureName = keyof typeof measureNames;
