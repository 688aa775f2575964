import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openLoop } from "../../../src/runtime/loop.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const flush = () => vi.advanceTimersByTimeAsync(0);

describe("a loop", () => {
  it("looks, then again after as long as the look said", async () => {
    const look = vi.fn(async () => 100);
    const loop = openLoop(look, { onError: () => {}, retryMs: 1_000 });
    await vi.advanceTimersByTimeAsync(99);
    expect(look).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(look).toHaveBeenCalledTimes(2);
    await loop.stop();
  });

  it("looks at once when it is woken from its pause", async () => {
    const look = vi.fn(async () => 60_000);
    const loop = openLoop(look, { onError: () => {}, retryMs: 1_000 });
    await flush();
    loop.wake();
    await flush();
    expect(look).toHaveBeenCalledTimes(2);
    await loop.stop();
  });

  it("looks once more when it is woken during a look, one look at a time", async () => {
    let under = 0;
    const ends: (() => void)[] = [];
    const look = vi.fn(async () => {
      under += 1;
      expect(under).toBe(1);
      await new Promise<void>((resolve) => ends.push(resolve));
      under -= 1;
      return 60_000;
    });
    const loop = openLoop(look, { onError: () => {}, retryMs: 1_000 });
    await flush();
    loop.wake();
    loop.wake();
    ends[0]?.();
    await flush();
    expect(look).toHaveBeenCalledTimes(2);
    ends[1]?.();
    await flush();
    expect(look).toHaveBeenCalledTimes(2);
    await loop.stop();
  });

  it("reports a look that threw and pauses in full, though the bell rings: what is away is not asked in a tight loop", async () => {
    const errors: unknown[] = [];
    const look = vi.fn(async (): Promise<number> => {
      throw new Error("away");
    });
    const loop = openLoop(look, { onError: (error) => errors.push(error), retryMs: 1_000 });
    await flush();
    for (let ring = 0; ring < 9; ring += 1) {
      loop.wake();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(look).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(look).toHaveBeenCalledTimes(2);
    expect(errors).toHaveLength(2);
    await loop.stop();
  });

  it("ends after the look under way, at once from a pause, and looks no more", async () => {
    let end = () => {};
    const look = vi.fn(async () => {
      await new Promise<void>((resolve) => (end = resolve));
      return 0;
    });
    const loop = openLoop(look, { onError: () => {}, retryMs: 1_000 });
    let stopped = false;
    const stopping = loop.stop().then(() => (stopped = true));
    await flush();
    expect(stopped).toBe(false);
    end();
    await stopping;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(look).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);

    const idle = openLoop(async () => 60_000, { onError: () => {}, retryMs: 1_000 });
    await flush();
    await idle.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends at once from the pause after a failure", async () => {
    const failing = openLoop(() => Promise.reject(new Error("away")), { onError: () => {}, retryMs: 60_000 });
    await flush();
    await failing.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
