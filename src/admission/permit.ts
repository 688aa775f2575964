import type { Dimension } from "../config/pool.ts";

/** Leave for one call, to be settled once. */
export interface Permit {
  readonly leaseId: string;
  readonly pool: string;
  /** Which circuit and which learned estimates it belongs to. */
  readonly deployment: string;
  /** Reserved units, by dimension of the pool. */
  readonly reserved: Readonly<Partial<Record<Dimension, number>>>;
  /** The caller's estimate of its input, to learn from. */
  readonly estimatedInput: number;
  /** Milliseconds of this process' clock when it was granted. */
  readonly grantedAtMs: number;
  /** The one call that finds out whether an open circuit may close. */
  readonly probe: boolean;
}

/** What keeps a call from going. */
export type BlockedBy =
  | Dimension
  | "concurrency"
  /** The provider said when to come back. */
  | "paused"
  /** The provider said when to come back for this model. */
  | "busy"
  /** Too many failures; one probe at a time. */
  | "circuit"
  /** An operator closed it off. */
  | "isolated"
  /** The provider refused the key or the account behind it. */
  | "credential"
  /** Retries have used up their share of the calls. */
  | "retries";

export type Verdict =
  | {
      readonly granted: true;
      readonly permit: Permit;
      /** Milliseconds until the call may go out, at most the `aheadMs` that was asked for. */
      readonly startMs: number;
      /** Milliseconds until the pool could grant one more of the same cost; 0 when it could at once. */
      readonly nextMs: number;
      /** How many more of the same cost the pool could let start at once. */
      readonly more: number;
      /** Milliseconds in which the pool refills what this call takes. */
      readonly eachMs: number;
    }
  | {
      readonly granted: false;
      /** Milliseconds until it is worth asking again. */
      readonly waitMs: number;
      readonly blockedBy: BlockedBy;
      /** Its turn is kept: it is next when it asks again with the same lease in time, whatever else is asked. */
      readonly isNext?: true;
      /** It asks for more than the limit ever lets through at once: `most` units of dimension `blockedBy`. */
      readonly tooLarge?: { readonly asked: number; readonly most: number };
    };

/** One question to the gate. */
export interface Ask {
  /** Asking twice with one id is granted once. */
  readonly leaseId: string;
  /** Outlives the call: a lost worker's slot comes back then. */
  readonly leaseMs: number;
  /** How far this call may fill the pool, in (0, 1]; see `shareFor`. Default 1. */
  readonly share?: number;
  /** A call of this request was made before: it takes from the retry budget instead of adding to it. */
  readonly isRetry?: boolean;
  /** Book a start up to this far ahead. Default 0: now or not at all. */
  readonly aheadMs?: number;
  /** Estimated input, and the caller's maximum of output. */
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/** A circuit changed; told once, by the process whose call changed it. */
export interface CircuitChange {
  readonly provider: string;
  readonly deployment: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly reason: string;
}
export type CircuitState = "closed" | "open" | "half-open" | "isolated" | "credential-off";
