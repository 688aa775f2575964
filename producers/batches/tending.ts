import type { Fleet } from "../../src/fleet/fleet.ts";
import type { HeldBatch } from "../../src/ledger/hosted-lease.ts";
import type { FileStore } from "./file-store.ts";

/** A hosted batch in hand. */
export interface Tending {
  readonly fleet: Fleet;
  readonly store: FileStore;
  readonly held: HeldBatch;
  /** Aborted when the lease is lost or the process ends. */
  readonly stop: AbortSignal;
}
