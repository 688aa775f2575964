import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  added,
  emptyWindow,
  largestWindow,
  observe,
  smallestWindow,
  type WindowState,
  windowSize,
} from "../../../src/feed/window.ts";

const count = fc.integer({ min: 0, max: 50_000 });
const looks = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 5_000 }), waiting: count, jobs: count }), {
  minLength: 1,
  maxLength: 40,
});

function seen(gaps: readonly { gapMs: number; waiting: number; jobs: number }[]): WindowState {
  let atMs = 0;
  return gaps.reduce((state, { gapMs, waiting, jobs }) => {
    atMs += gapMs;
    return added(observe(state, { atMs, waiting }), jobs);
  }, emptyWindow);
}

/** A lane that drains by `drain(second)` between looks 50 ms apart, topped up to its window at each. */
function run(drain: (second: number) => number, seconds: number): number[] {
  const sizes: number[] = [];
  let state = emptyWindow;
  let waiting = 0;
  for (let atMs = 0; atMs < seconds * 1_000; atMs += 50) {
    waiting = Math.max(0, waiting - drain(atMs / 1_000) / 20);
    state = observe(state, { atMs, waiting });
    const jobs = Math.max(0, windowSize(state) - waiting);
    state = added(state, jobs);
    waiting += jobs;
    sizes.push(windowSize(state));
  }
  return sizes;
}

describe("the window of a lane", () => {
  it("is never smaller than the smallest nor larger than the largest, whatever is seen", () => {
    fc.assert(
      fc.property(looks, (gaps) => {
        const size = windowSize(seen(gaps));
        expect(size).toBeGreaterThanOrEqual(smallestWindow);
        expect(size).toBeLessThanOrEqual(largestWindow);
      }),
    );
  });

  it("never measures a negative or impossible drain", () => {
    fc.assert(
      fc.property(looks, (gaps) => {
        const { drainPerSecond } = seen(gaps);
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

  it("takes bursts for what they are on average: fifty slots that come free together five times a second", () => {
    let atMs = -50;
    const burst = (): number => {
      atMs += 50;
      return atMs % 200 === 0 ? 50 * 20 : 0;
    };
    expect(Math.max(...run(burst, 30))).toBeLessThanOrEqual(600);
  });

  it("adds what was dispatched between two measurements to what was there", () => {
    const first = added(added(observe(emptyWindow, { atMs: 0, waiting: 100 }), 300), 600);
    expect(observe(first, { atMs: 499, waiting: 0 })).toBe(first);
    expect(observe(first, { atMs: 500, waiting: 0 }).drainPerSecond).toBe(2_000);
  });
});
