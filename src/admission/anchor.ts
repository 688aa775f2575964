/**
 * What this process knows of a pool's time: the newest it was told, and how long ago that was by its own monotonic clock.
 * See lua/include/clock.lua.
 */
export interface Anchor {
  /** Three arguments: the time last told, and at least and at most how much has passed since, in microseconds. */
  arguments(): readonly [number, number, number];
  told(timeUs: number, sentAtMs: number): void;
  /** Milliseconds of this process' clock. */
  nowMs(): number;
}

/** Clocks of machines drift: after this long an anchor says no more than that the pool was there. */
const goodForMs = 60_000;
const anyLength = 1e15;

export function openAnchor(monotonicMs: () => number): Anchor {
  let seen = 0;
  let sentAt = 0;
  let repliedAt = 0;
  return {
    arguments() {
      const now = monotonicMs();
      if (seen === 0) return [0, 0, anyLength];
      if (now - sentAt > goodForMs) return [seen, 0, anyLength];
      return [seen, Math.floor((now - repliedAt) * 1_000), Math.ceil((now - sentAt) * 1_000)];
    },
    told(timeUs, sentAtMs) {
      if (timeUs < seen) return;
      seen = timeUs;
      sentAt = sentAtMs;
      repliedAt = monotonicMs();
    },
    nowMs: monotonicMs,
  };
}
