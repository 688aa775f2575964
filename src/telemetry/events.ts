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

/** What happens at one moment of a span. */
export const spanEventNames = {
  circuitChanged: "millrace.circuit.changed",
  /** The gate let a call not go; the attribute `blockedBy` says what kept it. */
  admissionRefused: "millrace.admission.refused",
} as const;
export type EventName = keyof typeof spanEventNames;

export const countNames = {
  accepted: "millrace.requests.accepted",
  turnedAway: "millrace.requests.turned_away",
  finished: "millrace.requests.finished",
  attempts: "millrace.attempts",
  deferred: "millrace.deferrals",
  superseded: "millrace.attempts.superseded",
  dispatched: "millrace.dispatched",
  rescued: "millrace.rescued",
  recordsHeld: "millrace.records.held",
  recordsSpooled: "millrace.records.spooled",
  locksLost: "millrace.worker.locks_lost",
  circuitChanges: "millrace.circuit.changes",
  webhooks: "millrace.webhooks.attempts",
  inputTokens: "millrace.tokens.input",
  outputTokens: "millrace.tokens.output",
  costNanoUsd: "millrace.cost.nano_usd",
  unpriced: "millrace.cost.unpriced_calls",
  /** Gauges whose reading failed while metrics were collected; their values are left out, not shown as 0. */
  unread: "millrace.gauges.unread",
} as const;
export type CountName = keyof typeof countNames;

export const countMeanings: Readonly<Record<CountName, string>> = {
  accepted: "Requests stored durably.",
  turnedAway: "Requests refused because the backlog was full, by the bound that was reached.",
  finished: "Requests that reached their terminal state.",
  attempts: "Provider calls made.",
  deferred: "Times a request was put off unspent: by a limit, an open circuit or a budget.",
  superseded: "Attempts whose result came after somebody else had taken the request over.",
  dispatched: "Requests put into a lane.",
  rescued: "Requests brought back after their worker or their job was lost.",
  recordsHeld: "Records that had to wait for a Postgres that was away.",
  recordsSpooled: "Those of them that were put on disk meanwhile.",
  locksLost: "Jobs in hand whose lock in Redis could not be renewed.",
  circuitChanges: "Changes of circuits, by the state they went to.",
  webhooks: "Attempts to deliver webhooks, by what the delivery is now: delivered, pending or dead.",
  inputTokens: "Input tokens that providers reported.",
  outputTokens: "Output tokens that providers reported.",
  costNanoUsd: "Cost of provider calls with a known price, in nano-dollars.",
  unpriced: "Provider calls whose price or usage is unknown; they are not in the cost.",
  unread: "Gauge readings that failed.",
};

/** Stages measure in milliseconds, as the keys say; what is published is in seconds, as both conventions ask. */
export const measureNames = {
  /** From acceptance to the claim. */
  queueWaitMs: "millrace.queue_wait.duration",
  /** Of one provider call. */
  callMs: "gen_ai.client.operation.duration",
  /** Streams only. */
  firstTokenMs: "gen_ai.client.operation.time_to_first_chunk",
  eventLoopLagMs: "millrace.worker.event_loop.lag",
} as const;
export type MeasureName = keyof typeof measureNames;

export const measureMeanings: Readonly<Record<MeasureName, string>> = {
  queueWaitMs: "Time from acceptance to the claim by a worker.",
  callMs: "Duration of one provider call.",
  firstTokenMs: "Time from issuing a streamed call to its first text.",
  eventLoopLagMs: "Longest delay of a worker's event loop in each second.",
};

/** Histogram bounds in seconds: a call lasts 5 ms (a refusal) to 10 min (the total timeout), a bulk request may wait a day. */
const callBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600] as const;
export const measureBounds: Readonly<Record<MeasureName, readonly number[]>> = {
  queueWaitMs: [...callBounds, 1_800, 3_600, 14_400, 43_200, 86_400],
  callMs: callBounds,
  firstTokenMs: callBounds,
  eventLoopLagMs: callBounds,
};

/** Readings of the whole fleet, taken when metrics are asked for. Keys in `Ms` are read in milliseconds, published in seconds. */
export const gaugeNames = {
  laneJobs: "millrace.lane.jobs",
  laneOldestMs: "millrace.lane.oldest_age",
  requestsByState: "millrace.requests",
  backlog: "millrace.backlog",
  circuitState: "millrace.circuit.state",
} as const;
export type GaugeName = keyof typeof gaugeNames;

export const gaugeMeanings: Readonly<Record<GaugeName, string>> = {
  laneJobs: "Jobs in a lane by state: the shallow window in Redis.",
  laneOldestMs: "Age of the oldest unfinished request of a lane.",
  requestsByState: "Requests in the ledger by state.",
  backlog: "Requests waiting in the ledger for room in their lane.",
  circuitState: "Circuit of a deployment: 0 closed, 1 half-open, 2 open, 3 isolated, 4 credential off.",
};

/**
 * Published names of the short attribute names that stages may use. A name with a dot is published as it stands, any
 * other short name as `millrace.<name in snake case>`.
 */
export const attributeNames: Readonly<Record<string, string>> = {
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  responseModel: "gen_ai.response.model",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  finishReason: "gen_ai.response.finish_reasons",
  failure: "error.type",
  requestId: "millrace.request.id",
  batch: "millrace.batch.id",
};

/** Published names that differ from request to request: on spans, never a label of a metric. */
export const perRequestAttributes: ReadonlySet<string> = new Set([
  "millrace.request.id",
  "millrace.batch.id",
  "millrace.custom_id",
  "millrace.dispatch_no",
  "millrace.attempt_no",
  "millrace.cost_nano_usd",
  "gen_ai.conversation.id",
  "gen_ai.response.id",
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.response.finish_reasons",
]);
