/**
 * Works on hosted batches: each is in the hand of one process of the fleet, by a lease that is renewed as long as the work
 * goes on. It runs where the files are, beside the HTTP server. It also sweeps what crashes left of files.
 */
import type { Fleet } from "../../src/fleet/fleet.ts";
import { knownNames } from "../../src/ledger/files.ts";
import { type HeldBatch, holdHosted, letGoHosted, renewHosted } from "../../src/ledger/hosted-lease.ts";
import { openLoop } from "../../src/runtime/loop.ts";
import type { FileStore } from "./file-store.ts";
import { tendBatch } from "./tend-batch.ts";

export interface BatchRunner {
  /** There may be something to do. */
  wake(): void;
  /** Hands back what it has in hand. */
  stop(): Promise<void>;
}

/** A long file must not keep a short one waiting. */
const hands = 2;
const idleMs = 500;
const troubledMs = 1_000;
const sweepMs = 60_000;

export function startBatchRunner(fleet: Fleet, store: FileStore, onError: (error: unknown) => void): BatchRunner {
  const { ledger } = fleet;
  const { leaseMs } = fleet.config.worker;
  const closing = new AbortController();

  async function look(): Promise<number> {
    const held = closing.signal.aborted ? undefined : await holdHosted(ledger, leaseMs);
    if (held === undefined) return idleMs;
    await tend(held);
    return 0;
  }

  async function tend(held: HeldBatch): Promise<void> {
    const lost = new AbortController();
    const renew = async () => {
      if (!(await renewHosted(ledger, held, leaseMs))) lost.abort(new Error("the lease is gone"));
      return leaseMs / 4;
    };
    const renewal = openLoop(renew, { onError, retryMs: leaseMs / 8 });
    let againMs = troubledMs;
    try {
      againMs = await tendBatch({ fleet, store, held, stop: AbortSignal.any([closing.signal, lost.signal]) });
    } catch (error) {
      if (!closing.signal.aborted && !lost.signal.aborted) throw error;
    } finally {
      await renewal.stop();
      // With a ledger that is away the lease ends by itself.
      await letGoHosted(ledger, held, againMs).catch(() => {});
    }
  }

  async function sweep(): Promise<number> {
    await store.sweep((names) => knownNames(ledger, names));
    return sweepMs;
  }

  const loops = Array.from({ length: hands }, () => openLoop(look, { onError, retryMs: troubledMs }));
  const sweeping = openLoop(sweep, { onError, retryMs: sweepMs });
  return {
    wake() {
      for (const loop of loops) loop.wake();
    },
    async stop() {
      closing.abort();
      await Promise.all([...loops, sweeping].map((loop) => loop.stop()));
    },
  };
}
