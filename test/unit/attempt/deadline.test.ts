import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchCall } from "../../../src/attempt/deadline.ts";

const timeouts = { firstTokenMs: 100, idleMs: 50, totalMs: 1_000 };
const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("the watch over a call", () => {
  it("interrupts a stream that brings no first token in time", () => {
    const watch = watchCall(timeouts, true, never);
    vi.advanceTimersByTime(99);
    expect(watch.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect([watch.signal.aborted, watch.interruption()]).toEqual([true, "firstToken"]);
    watch.end();
  });

  it("interrupts a stream that falls silent after its first token", () => {
    const watch = watchCall(timeouts, true, never);
    vi.advanceTimersByTime(90);
    watch.activity();
    vi.advanceTimersByTime(49);
    watch.activity();
    vi.advanceTimersByTime(49);
    expect(watch.interruption()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(watch.interruption()).toBe("idle");
    watch.end();
  });

  it("interrupts a stream that never ends at its total time, however lively it is", () => {
    const watch = watchCall(timeouts, true, never);
    for (let at = 0; at < 1_000; at += 25) {
      watch.activity();
      vi.advanceTimersByTime(25);
    }
    expect(watch.interruption()).toBe("total");
    watch.end();
  });

  it("knows no first token and no idle time for a whole answer", () => {
    const watch = watchCall(timeouts, false, never);
    watch.activity();
    vi.advanceTimersByTime(999);
    expect(watch.interruption()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(watch.interruption()).toBe("total");
    watch.end();
  });

  it("is stopped from outside, also when that happened before it began", () => {
    const stop = new AbortController();
    const watch = watchCall(timeouts, false, stop.signal);
    stop.abort();
    expect(watch.interruption()).toBe("stopped");
    watch.end();
    const late = watchCall(timeouts, false, stop.signal);
    expect([late.signal.aborted, late.interruption()]).toEqual([true, "stopped"]);
    late.end();
  });

  it("keeps its first reason", () => {
    const stop = new AbortController();
    const watch = watchCall(timeouts, true, stop.signal);
    vi.advanceTimersByTime(100);
    stop.abort();
    vi.advanceTimersByTime(2_000);
    expect(watch.interruption()).toBe("firstToken");
    watch.end();
  });

  it("interrupts nothing after its end and lets go of the outer signal", () => {
    const stop = new AbortController();
    const watch = watchCall(timeouts, true, stop.signal);
    watch.activity();
    watch.end();
    vi.advanceTimersByTime(5_000);
    stop.abort();
    expect([watch.signal.aborted, watch.interruption()]).toEqual([false, undefined]);
  });
});
