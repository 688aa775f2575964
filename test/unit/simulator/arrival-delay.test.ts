import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createArrivalDelay, delayOf } from "../../../src/simulator/arrival-delay.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const constant = { seed: 1, arrivalDelayMs: { p50: 40, p99: 40 } };

describe("the way of a call", () => {
  test("takes no time where none is set", () => {
    const arrive = vi.fn();
    createArrivalDelay({ seed: 1, arrivalDelayMs: undefined })(new EventEmitter(), arrive);
    expect(arrive).toHaveBeenCalledOnce();
  });

  test("ends with its arrival, after which it does not matter whether the caller leaves", () => {
    const [arrive, caller] = [vi.fn(), new EventEmitter()];
    createArrivalDelay(constant)(caller, arrive);
    vi.advanceTimersByTime(39);
    expect(arrive).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(arrive).toHaveBeenCalledOnce();
    expect(caller.listenerCount("close")).toBe(0);
  });

  test("ends nowhere when the caller leaves before", () => {
    const [arrive, caller] = [vi.fn(), new EventEmitter()];
    createArrivalDelay(constant)(caller, arrive);
    vi.advanceTimersByTime(39);
    caller.emit("close");
    vi.advanceTimersByTime(1_000);
    expect(arrive).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("lets a later call overtake an earlier one, as drawn", () => {
    const settings = { seed: 3, arrivalDelayMs: { p50: 20, p99: 100 } };
    const places = Array.from({ length: 50 }, (_, place) => place);
    const delay = createArrivalDelay(settings);
    const arrived: number[] = [];
    for (const place of places) delay(new EventEmitter(), () => arrived.push(place));
    vi.runAllTimers();
    const drawn = new Map(places.map((place) => [place, delayOf(settings, place)]));
    expect(arrived).toEqual(places.toSorted((one, other) => (drawn.get(one) ?? 0) - (drawn.get(other) ?? 0)));
    expect(arrived).not.toEqual(places);
  });

  test("is as long as its percentiles say, the same for the same seed, another for another", () => {
    const drawn = (seed: number) =>
      Array.from({ length: 20_000 }, (_, place) => delayOf({ seed, arrivalDelayMs: { p50: 20, p99: 150 } }, place));
    const sorted = drawn(1).sort((one, other) => one - other);
    expect(sorted[10_000]).toBeCloseTo(20, -1);
    expect((sorted[19_800] ?? 0) / 150).toBeCloseTo(1, 0);
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });
});
