/**
 * The leases one worker process holds: on rows in Postgres and on permits in Redis. Both are renewed a third of the way to
 * their end, each by a loop of its own: a Redis that is away must not cost a row. A lease that was taken away (cancelled,
 * rescued) stops its call.
 */
import type { Admission } from "../src/admission/admission.ts";
import type { Permit } from "../src/admission/permit.ts";
import type { Produced } from "../src/attempt/context.ts";
import { type ClaimedRequest, renewLeases } from "../src/ledger/claim.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import { openLoop } from "../src/runtime/loop.ts";

export interface Lease {
  readonly stop: AbortController;
  holding(permit: Permit | undefined, produced?: Produced): void;
  release(): void;
}

export interface Leases {
  /** `stored`: when the row is there to be renewed; absent: it is. */
  hold(request: ClaimedRequest, stored?: Promise<boolean>): Lease;
  /** Stops the call for this request, if it is ours: it was cancelled. */
  stop(requestId: string): void;
  /** Stops every call under way, and those that are claimed from now on. */
  stopAll(): void;
  close(): Promise<void>;
}

export interface LeasesOptions {
  readonly ledger: Ledger;
  readonly admission: Admission;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
}

interface Held {
  readonly id: string;
  readonly leaseToken: string;
  readonly stop: AbortController;
  /** Younger leases cannot have been lost yet, and need no renewal. */
  since: number;
  permit: Permit | undefined;
  produced: Produced | undefined;
}

export function openLeases(options: LeasesOptions): Leases {
  const held = new Map<string, Held>();
  let stopped = false;
  // A cancelled request is noticed within this time, long before its lease would end.
  const lookMs = Math.min(2_000, options.leaseMs / 3);

  const olderOnes = () => [...held.values()].filter((entry) => Date.now() - entry.since > lookMs / 2);

  async function renewRows(): Promise<number> {
    const entries = olderOnes();
    const gone = await renewLeases(options.ledger, entries, options.leaseMs);
    for (const entry of entries) if (gone.has(entry.leaseToken)) entry.stop.abort(new Error("the lease is gone"));
    return lookMs;
  }

  async function renewPermits(): Promise<number> {
    const calls = olderOnes().flatMap(({ permit, produced }) =>
      permit === undefined ? [] : [{ permit, producedTokens: Math.floor(produced?.tokens ?? 0) }],
    );
    await options.admission.progress(calls, options.leaseMs);
    return lookMs;
  }

  const loops = [renewRows, renewPermits].map((renew) => openLoop(renew, { onError: options.onError, retryMs: 500 }));

  return {
    hold(request, stored) {
      const entry: Held = {
        id: request.id,
        leaseToken: request.leaseToken,
        stop: new AbortController(),
        since: stored === undefined ? Date.now() : Number.POSITIVE_INFINITY,
        permit: undefined,
        produced: undefined,
      };
      held.set(request.leaseToken, entry);
      void stored?.then(() => {
        entry.since = Date.now();
      });
      if (stopped) entry.stop.abort(draining());
      return {
        stop: entry.stop,
        holding: (permit, produced) => {
          entry.permit = permit;
          entry.produced = produced;
        },
        release: () => {
          held.delete(request.leaseToken);
        },
      };
    },
    stop(requestId) {
      for (const entry of held.values()) if (entry.id === requestId) entry.stop.abort(new Error("cancelled"));
    },
    stopAll() {
      stopped = true;
      for (const entry of held.values()) entry.stop.abort(draining());
    },
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

const draining = () => new Error("the worker is draining");
