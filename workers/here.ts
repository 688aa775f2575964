/**
 * Calls for requests where they were accepted (intake/here.ts): as many of a lane at once as its interactive side has slots.
 * A refusal by the gate hands the row back, and it travels on as any other.
 */
import { v7 as uuidv7 } from "uuid";
import type { AnswerHere, Here } from "../src/intake/here.ts";
import type { ClaimedRequest } from "../src/ledger/claim.ts";

export interface HereOptions {
  /** Slots of a lane's interactive side in this process; 0 where it does not serve the lane. */
  readonly slots: (lane: string) => number;
  readonly leaseMs: number;
  /** Runs one attempt and everything that comes after it. */
  readonly work: (request: ClaimedRequest, stored: Promise<boolean>) => Promise<AnswerHere | undefined>;
  readonly onError: (error: unknown) => void;
}

export interface OpenHere extends Here {
  /** Takes nothing more, and waits for what is under way. */
  close(): Promise<void>;
}

export function openHere({ slots, leaseMs, work, onError }: HereOptions): OpenHere {
  /** Claims that were given and are not over, by lane. */
  const taken = new Map<string, number>();
  let isClosed = false;
  let whenIdle = () => {};
  const leave = (lane: string) => {
    const left = (taken.get(lane) ?? 1) - 1;
    if (left > 0) taken.set(lane, left);
    else taken.delete(lane);
    if (taken.size === 0) whenIdle();
  };
  return {
    claim({ lane }) {
      const used = taken.get(lane) ?? 0;
      if (isClosed || used >= slots(lane)) return undefined;
      taken.set(lane, used + 1);
      return { leaseToken: uuidv7(), leaseMs };
    },
    run: (request, stored) =>
      work(request, stored)
        .catch((error: unknown) => {
          onError(error);
          return undefined;
        })
        .finally(() => leave(request.lane)),
    release: ({ lane }) => leave(lane),
    async close() {
      isClosed = true;
      await new Promise<void>((resolve) => {
        whenIdle = resolve;
        if (taken.size === 0) resolve();
      });
    },
  };
}
