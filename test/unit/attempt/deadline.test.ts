import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchCall } from "../../../src/attempt/deadline.ts";

const timeouts = { firstTokenMs: 100, idleMs: 50, totalMs: 1_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A watch with what it aborts. */
function watched(streamed: boolean, stop = new AbortController()) {
  return { stop, watch: watchCall(timeouts, streamed, stop) };
}

describe("the watch over a call", () => {
  it("interrupts a stream that brings no first token in time", () => {
    const { watch, stop } = watched(true);
    vi.advanceTimersByTime(99);
    expect([stop.signal.aborted, watch.interruption()]).toEqual([false, undefined]);
    vi.advanceTimersByTime(1);
    expect([stop.signal.aborted, watch.interruption()]).toEqual([true, "firstToken"]);
    watch.end();
  });

  it("interrupts a stream that falls silent after its first token", () => {
    const { watch } = watched(true);
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
    const { watch } = watched(true);
    for (let at = 0; at < 1_000; at += 25) {
      watch.activity();
      vi.advanceTimersByTime(25);
    }
    expect(watch.interruption()).toBe("total");
    watch.end();
  });

  it("knows no first token and no idle time for a whole answer", () => {
    const { watch } = watched(false);
    watch.activity();
    vi.advanceTimersByTime(999);
    expect(watch.interruption()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(watch.interruption()).toBe("total");
    watch.end();
  });

  it("tells being stopped from outside from its own timeouts, also when that happened before it began", () => {
    const { watch, stop } = watched(false);
    stop.abort(new Error("the lease is gone"));
    expect(watch.interruption()).toBe("stopped");
    watch.end();
    const late = watched(true, stop);
    expect(late.watch.interruption()).toBe("stopped");
    late.watch.end();
  });

  it("keeps its first reason", () => {
    const timedOut = watched(true);
    vi.advanceTimersByTime(100);
    timedOut.stop.abort(new Error("the worker is draining"));
    vi.advanceTimersByTime(2_000);
    expect(timedOut.watch.interruption()).toBe("firstToken");
    timedOut.watch.end();

    const stopped = watched(true);
    stopped.stop.abort();
    vi.advanceTimersByTime(2_000);
    expect(stopped.watch.interruption()).toBe("stopped");
    stopped.watch.end();
  });

  it("interrupts nothing after its end", () => {
    const { watch, stop } = watched(true);
    watch.activity();
    watch.end();
    vi.advanceTimersByTime(5_000);
    expect([stop.signal.aborted, watch.interruption()]).toEqual([false, undefined]);
  });
});
