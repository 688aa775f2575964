/**
 * A lane's local gate in one worker process. The limiter decides; the gate only remembers what it said, so that slots do
 * not claim rows just to be refused. When a closed gate's time has come, one slot goes ahead and the others wait for
 * what it learns: otherwise every slot would claim and all but one hand back.
 *
 *   open ──closeFor(ms)──► closed ──time is up──► one goes ahead ──learned(0)──► open
 *                            ▲                          └──learned(ms)──┘
 */
export type Entry = { readonly admitted: true } | { readonly admitted: false; readonly waitMs: number };

export interface Gate {
  enter(): Promise<Entry>;
  /** What the limiter said: how long until the next call could go. Short waits, which can be booked, leave the gate open. */
  learned(waitMs: number): void;
  /** The slot that went ahead ended without asking the limiter. */
  released(): void;
}

/** Waits up to this are booked and slept by the worker in its slot; longer ones close the gate. */
export const shortWaitMs = 250;
/** A closed gate opens that much early: fetching and claiming take time, and what is early is booked. */
const leadMs = 150;

export function openGate(now: () => number): Gate {
  let openAt = 0;
  let closed = false;
  let ahead: { readonly done: Promise<void>; readonly finish: () => void } | undefined;

  const finishAhead = () => {
    ahead?.finish();
    ahead = undefined;
  };
  return {
    async enter() {
      while (ahead !== undefined) await ahead.done;
      if (!closed) return { admitted: true };
      const waitMs = openAt - now();
      if (waitMs > 0) return { admitted: false, waitMs };
      let finish = () => {};
      const done = new Promise<void>((resolve) => {
        finish = resolve;
      });
      ahead = { done, finish };
      return { admitted: true };
    },
    learned(waitMs) {
      closed = waitMs > shortWaitMs;
      openAt = now() + waitMs - leadMs;
      finishAhead();
    },
    released: finishAhead,
  };
}
