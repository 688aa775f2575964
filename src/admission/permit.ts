/** Leave for one call, to be settled once. */
export interface Permit {
  readonly leaseId: string;
  readonly pool: string;
}

export type Verdict =
  | {
      readonly granted: true;
      readonly permit: Permit;
      /** Milliseconds until the pool could grant one more of the same cost; 0 when it could at once. */
      readonly nextMs: number;
    }
  | {
      readonly granted: false;
      readonly waitMs: number;
      /** The binding dimension: `requests`, `concurrency`, … */
      readonly blockedBy: string;
    };

/** What a call used, by dimension; an absent one is unknown and keeps its reservation. */
export interface Actual {
  /** 1 when the call went out, 0 when the permit was not used. */
  readonly requests: 0 | 1;
}
