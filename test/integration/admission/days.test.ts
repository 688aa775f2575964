import { expect, onTestFinished, test, vi } from "vitest";
import { useServices } from "../../support/services.ts";
import { providerOf } from "./oracle.ts";
import { askOf, limitOn, opened, placeOf, times, usAt } from "./world.ts";

const services = useServices();

/** Days of 23 and 25 hours, in zones on both sides of UTC and at it. */
test.each([
  ["America/Los_Angeles", "2026-03-07T12:30:00Z"],
  ["America/Los_Angeles", "2026-10-31T12:30:00Z"],
  ["Europe/London", "2026-03-28T12:30:00Z"],
  ["Europe/London", "2026-10-24T12:30:00Z"],
  ["Europe/Berlin", "2026-03-28T12:30:00Z"],
  ["Europe/Berlin", "2026-10-24T12:30:00Z"],
  ["Pacific/Auckland", "2026-04-03T12:30:00Z"],
  ["Pacific/Auckland", "2026-09-25T12:30:00Z"],
])("a day's limit in %s holds around %s, when clocks are changed, and starts anew each day", async (timeZone, from) => {
  const world = await opened(services);
  const place = placeOf([limitOn("requestsPerDay", "day", 10, { timeZone })], { jitterMs: 0 });
  const provider = providerOf(place.pool);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(from) });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  world.time.us = usAt(from);
  const began = world.gate;
  let gate = began;
  for (let hour = 0; hour < 72; hour += 0.5) {
    if (hour % 6 === 5) gate = gate === began ? world.join() : began;
    const verdicts = await Promise.all(times(2, () => gate.acquire(place, askOf())));
    for (const verdict of verdicts) if (verdict.granted) provider.send(verdict.permit.leaseId, world.time.us, [1]);
    provider.advance(world.time.us);
    world.pass(1_800_000);
    vi.setSystemTime(Date.parse(from) + (hour + 0.5) * 3_600_000);
  }
  expect(provider.refusals).toEqual([]);
  expect(provider.arrived).toBeGreaterThanOrEqual(30);
});
