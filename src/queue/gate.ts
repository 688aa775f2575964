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

/** One slot that was let in. Until it is granted its call or has left, it counts among those that wait for one. */
export interface Pass {
  /** What the limiter said; after a refusal the slot may ask again. */
  learned(outlook: Outlook): void;
  /** The slot ended, with or without having asked the limiter. */
  left(): void;
}

export interface Outlook {
  readonly isGranted: boolean;
  /** Milliseconds until the next call could go; 0: at once. */
  readonly waitMs: number;
  /** Milliseconds in which the pool refills what a call like this takes. */
  readonly eachMs: number;
  /** How many more could go at once. */
  readonly more: number;
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
/** Before anything is known. */
const firstRoom = 8;
/** Of what could go at once: other processes see the same room. */
const ownShare = 0.25;
const smoothing = 0.1;

export function openGate(now: () => number): Gate {
  let openAt = 0;
  let closed = false;
  let isShut = false;
  /** Slots that may wait for a call at once. */
  let room = firstRoom;
  let undecided = 0;
  /** One call says what calls like it would find; the next ones are usual ones. */
  let usualEachMs = 0;
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
      learned({ isGranted, waitMs, eachMs, more }) {
        closed = waitMs > shortWaitMs;
        openAt = now() + waitMs - leadMs;
        if (isGranted) usualEachMs += (usualEachMs === 0 ? 1 : smoothing) * (eachMs - usualEachMs);
        if (closed) room = 1;
        else if (waitMs <= 0)
          room = Math.max(1, Math.ceil(ownShare * more * (usualEachMs > 0 ? eachMs / usualEachMs : 1)));
        else room = Math.max(1, Math.floor((shortWaitMs - waitMs) / Math.max(usualEachMs, 0.001)));
        if (isGranted) decide();
        else tell();
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
