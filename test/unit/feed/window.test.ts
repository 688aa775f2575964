import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  emptyWindow,
  type LaneLook,
  largestWindow,
  observe,
  smallestWindow,
  windowSize,
} from "../../../src/feed/window.ts";

const looks = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 5_000 }),
      waiting: fc.integer({ min: 0, max: 50_000 }),
      dispatchedSince: fc.integer({ min: 0, max: 50_000 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((gaps) => {
    let atMs = 0;
    return gaps.map(({ gapMs, ...look }): LaneLook => {
      atMs += gapMs;
      return { ...look, atMs };
    });
  });

/** A lane that drains `perSecond` and is topped up to its window at every look, `everyMs` apart. */
function run(perSecond: (second: number) => number, seconds: number, everyMs = 50): number[] {
  const sizes: number[] = [];
  let state = emptyWindow;
  let waiting = 0;
  for (let atMs = 0; atMs < seconds * 1_000; atMs += everyMs) {
    waiting = Math.max(0, waiting - (perSecond(atMs / 1_000) * everyMs) / 1_000);
    state = observe(state, { atMs, waiting, dispatchedSince: 0 });
    const dispatchedSince = Math.max(0, windowSize(state) - waiting);
    state = { ...state, last: { atMs, waiting, dispatchedSince } };
    waiting += dispatchedSince;
    sizes.push(windowSize(state));
  }
  return sizes;
}

describe("the window of a lane", () => {
  it("is never smaller than the smallest nor larger than the largest, whatever is seen", () => {
    fc.assert(
      fc.property(looks, (seen) => {
        const size = windowSize(seen.reduce(observe, emptyWindow));
        expect(size).toBeGreaterThanOrEqual(smallestWindow);
        expect(size).toBeLessThanOrEqual(largestWindow);
      }),
    );
  });

  it("never measures a negative or impossible drain", () => {
    fc.assert(
      fc.property(looks, (seen) => {
        const { drainPerSecond } = seen.reduce(observe, emptyWindow);
        expect(drainPerSecond).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(drainPerSecond)).toBe(true);
      }),
    );
  });

  it("stays at its smallest while a lane drains slowly, however long it is topped up", () => {
    expect(Math.max(...run(() => 1, 60))).toBe(smallestWindow);
    expect(Math.max(...run(() => 90, 60))).toBe(smallestWindow);
  });

  it("holds two seconds of what the lane drains", () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 8_000 }), (perSecond) => {
        const size = run(() => perSecond, 20).at(-1) ?? 0;
        expect(size).toBeGreaterThanOrEqual(perSecond * 1.95);
        expect(size).toBeLessThanOrEqual(perSecond * 2.05 + 1);
      }),
      { numRuns: 20 },
    );
  });

  it("shrinks again when a fast lane becomes slow", () => {
    const sizes = run((second) => (second < 10 ? 5_000 : 10), 60);
    expect(sizes[190]).toBeGreaterThan(9_000);
    expect(sizes.at(-1)).toBeLessThan(2 * smallestWindow);
  });

  it("takes no second measurement within 20 ms, which would be noise", () => {
    const first = observe(emptyWindow, { atMs: 0, waiting: 100, dispatchedSince: 0 });
    expect(observe(first, { atMs: 19, waiting: 0, dispatchedSince: 0 })).toBe(first);
  });
});
