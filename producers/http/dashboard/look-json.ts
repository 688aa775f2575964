/**
 * What the dashboard's page is told, once a look: the wire between the two, so it imports nothing. Null is unknown, never
 * nothing. Ages and waits are milliseconds as of the look; money is text, for it is exact.
 */
export interface LookJson {
  readonly atMs: number;
  /** What does not answer, one sentence each; what would have come from it is null. */
  readonly trouble: readonly string[];
  /** Providers that have a key. */
  readonly ready: readonly string[];
  readonly open: OpenJson | null;
  /** Where something waits, runs, ended lately or is switched off. */
  readonly lanes: readonly LaneJson[] | null;
  readonly pools: readonly PoolJson[] | null;
  readonly circuits: readonly CircuitJson[] | null;
  readonly circuitEvents: readonly CircuitEventJson[] | null;
  readonly batches: readonly BatchJson[] | null;
  readonly minute: MinuteJson | null;
  readonly slots: SlotsJson | null;
  readonly hours: readonly HourJson[] | null;
  /** Of those hours. */
  readonly dayCost: string | null;
  readonly models: readonly ModelJson[] | null;
  readonly failures: readonly FailureJson[] | null;
}

/** A count that stopped: at least so many. */
export interface CountJson {
  readonly n: number;
  readonly atLeast: boolean;
}

export interface OpenJson {
  /** Queued, dispatched, running, waiting and held. */
  readonly all: CountJson;
  readonly running: CountJson;
  readonly held: CountJson;
  /** Where `all` stopped: open requests at most, and when they were counted. */
  readonly atMost: number | null;
  readonly countedAgoMs: number | null;
}

export interface LaneJson {
  readonly lane: string;
  /** In the ledger: queued, and waiting for a time. */
  readonly backlog: CountJson;
  /** In Redis: given out to the lane and not yet to a worker. Null while Redis is away. */
  readonly window: number | null;
  readonly running: CountJson;
  readonly oldestMs: number | null;
  readonly callsPerMinute: number | null;
  readonly state: "blocked" | "moving" | "slow" | "idle";
  /** What holds it, or what it does. */
  readonly words: string;
}

export interface PoolJson {
  readonly pool: string;
  readonly gauges: readonly GaugeJson[];
  /** What is metered there without a known limit. */
  readonly unlimited: readonly string[];
  /** Pauses and slowdowns. */
  readonly notes: readonly string[];
}

export interface GaugeJson {
  readonly name: string;
  /** In [0, 1]. */
  readonly share: number;
  /** What is used, and of what: `72 %` of `4,000 a minute`. */
  readonly used: string;
  readonly of: string;
}

export interface CircuitJson {
  readonly deployment: string;
  readonly state: string;
  readonly isBad: boolean;
  readonly sinceMs: number | null;
  readonly reason: string | null;
  readonly next: string;
  readonly calls: number;
  readonly failures: number;
  /** Its last hour: from when on it was in which state; the first is what it was before, null where that is unknown. */
  readonly history: readonly { readonly fromMs: number; readonly state: string | null }[];
}

export interface CircuitEventJson {
  readonly id: string;
  readonly agoMs: number;
  readonly target: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly by: string;
}

export interface BatchJson {
  readonly id: string;
  readonly tenant: string;
  readonly source: string;
  readonly state: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly waiting: number;
  /** Counts are from a sample of its lines. */
  readonly estimated: boolean;
  /** Null while the pace is unknown, and when it has ended. */
  readonly etaMs: number | null;
  readonly ageMs: number;
  /** Since its end. */
  readonly endedAgoMs: number | null;
}

/** What ended in the last minute. */
export interface MinuteJson {
  readonly calls: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly firstTokenP50Ms: number | null;
}

export interface SlotsJson {
  readonly seconds: number;
  /** Slots that were seen whole; the others between them had no call. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly slots: readonly { readonly atMs: number; readonly calls: number; readonly failed: number }[];
}

export interface HourJson {
  readonly atMs: number;
  readonly calls: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Nano-dollars of what is known, in decimal digits. */
  readonly costNanoUsd: string;
  readonly cost: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ModelJson {
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly succeeded: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstTokenMs: number | null;
}

export interface FailureJson {
  readonly id: string;
  readonly requestId: string;
  readonly agoMs: number;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly kind: string | null;
  readonly message: string | null;
  readonly httpStatus: number | null;
  readonly durationMs: number;
}
