/**
 * A lane's local gate in one worker process. The limiter decides; the gate only remembers what it said, so that slots do
 * not claim rows just to be refused. It lets in as many at once as the limiter could book within a short wait; while a
 * long wait lasts, none; when its time has come, one slot goes ahead and the others wait for what it learns.
 *
 *   open ──learned(long)──► closed ──time is up──► one goes ahead ──learned(short)──► open, for so many
 *                             ▲                          └──learned(long)──┘
 */
import { setTimeout as sleep } from "node:timers/promises";

export type Entry =
  | { readonly admitted: true; readonly pass: Pass }
  /** 0: the gate is shut for good. */
  | { readonly admitted: false; readonly waitMs: number };

/** One slot that was let in. Until it has learned something or left, the limiter's answer to it is not known. */
export interface Pass {
  /** What the limiter said: how long until the next call could go, and how long each one more takes. */
  learned(waitMs: number, eachMs: number): void;
  /** The slot ended, with or without having asked the limiter. */
  left(): void;
}

export interface Gate {
  enter(): Promise<Entry>;
  /** Nobody is let in any more, and nobody waits. */
  shut(): void;
}

/** Waits up to this are booked and slept by the worker in its slot; longer ones close the gate. */
export const shortWaitMs = 250;
/** A closed gate opens that much early: claiming takes time, and what is early is booked. */
const leadMs = 150;
/** So long a slot waits at the closed gate with its job in hand, unclaimed; for longer the job goes back into the lane. */
const patienceMs = 2_000;
const firstRoom = 8;
const mostRoom = 10_000;

export function openGate(now: () => number): Gate {
  let openAt = 0;
  let closed = false;
  let isShut = false;
  /** Slots that may be undecided at once: few at first, twice as many whenever one of them need not wait. */
  let room = firstRoom;
  let undecided = 0;
  let wake = () => {};
  let news = newNews();

  function newNews(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }
  const tell = () => {
    wake();
    news = newNews();
  };

  function passOf(): Pass {
    let isDecided = false;
    const decide = () => {
      if (isDecided) return;
      isDecided = true;
      undecided -= 1;
      tell();
    };
    return {
      learned(waitMs, eachMs) {
        closed = waitMs > shortWaitMs;
        openAt = now() + waitMs - leadMs;
        if (closed) room = 1;
        else if (waitMs <= 0) room = Math.min(mostRoom, 2 * room);
        else room = Math.max(1, Math.floor((shortWaitMs - waitMs) / Math.max(eachMs, 0.001)));
        decide();
      },
      left: decide,
    };
  }

  return {
    async enter() {
      for (;;) {
        if (isShut) return { admitted: false, waitMs: 0 };
        const waitMs = openAt - now();
        if (closed && waitMs > patienceMs) return { admitted: false, waitMs };
        if (closed && waitMs > 0) {
          await Promise.race([news, sleep(waitMs, undefined, { ref: false })]);
        } else if (undecided < room) {
          undecided += 1;
          return { admitted: true, pass: passOf() };
        } else {
          await news;
        }
      }
    },
    shut() {
      isShut = true;
      tell();
    },
  };
}
