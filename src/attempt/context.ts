/** What every step of an attempt is given: the fleet's resources, the worker's hooks, and the target that routing chose. */
import type { Admission } from "../admission/admission.ts";
import type { Place } from "../admission/door.ts";
import type { Permit } from "../admission/permit.ts";
import type { Catalog } from "../config/catalog.ts";
import type { Deployment } from "../config/deployment.ts";
import type { Pool } from "../config/pool.ts";
import type { RecordRequest } from "../ledger/record.ts";
import type { Connection } from "../provider/provider.ts";
import type { Delta } from "../request/delta.ts";
import type { LimitReport } from "../request/outcome.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { CallTimeouts } from "./deadline.ts";

export interface AttemptDeps {
  readonly catalog: Catalog;
  readonly connections: ReadonlyMap<string, Connection>;
  /** Whether some worker of the fleet has a key for the provider, so that a request may go on to it. */
  readonly canServe: (provider: string) => boolean;
  readonly admission: Admission;
  readonly record: RecordRequest;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly timeouts: CallTimeouts;
  readonly leaseMs: number;
  /** What rate-limit headers said; for learning and for the operator. */
  readonly observeLimits: (pool: Pool, report: LimitReport) => void;
  /** The answer as it comes, for requests that somebody reads along. */
  readonly stream: { begin(requestId: string, dispatchNo: number): { delta(delta: Delta): void; end(): void } };
}

export interface AttemptHooks {
  /** Stops the call: drain, or the lease is gone. The call's own timeouts go through it too. */
  readonly stop: AbortController;
  /** The permit of the call under way, to be kept alive with the lease; undefined when there is none any more. */
  readonly holding: (permit: Permit | undefined, produced?: Produced) => void;
  /** It goes before what is kept for interactive requests ends: it is one, or it has aged. */
  readonly goesFirst: boolean;
  /**
   * Whether the row was stored, where it is asked for a call while it still is being: nothing is called or recorded before
   * that is known. Absent: it was claimed from the ledger.
   */
  readonly stored?: Promise<boolean>;
  /** What the limiter said of the pool. */
  readonly learned: (outlook: Outlook) => void;
}

export interface Outlook {
  readonly isGranted: boolean;
  /** Milliseconds until the pool can take another call; 0: at once. */
  readonly waitMs: number;
  /** Milliseconds in which the pool refills what a call like this takes. */
  readonly eachMs: number;
  /** How many more could start at once. */
  readonly more: number;
}

/** What a stream has brought so far. */
export interface Produced {
  tokens: number;
}

export interface Target {
  readonly deployment: Deployment;
  readonly pool: Pool;
  readonly place: Place;
  readonly connection: Connection;
}
