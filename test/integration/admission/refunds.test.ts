/**
 * What is given back is worth nothing at a provider that has refilled meanwhile: a bucket that is full holds no more, and a
 * window that is over counts no more. So a refund never lets two calls start where there was room for one.
 */
import { describe, expect, test } from "vitest";
import type { Place } from "../../../src/admission/door.ts";
import type { Permit } from "../../../src/admission/permit.ts";
import { useServices } from "../../support/services.ts";
import { type Provider, providerOf } from "./oracle.ts";
import { answered, askOf, failed, limitOn, opened, permitOf, placeOf, times, usAt, type World, warm } from "./world.ts";

const services = useServices();

/** Calls go out at once and arrive `wayMs` later. */
async function sent(
  { gate, time }: World,
  place: Place,
  provider: Provider,
  inputTokens = 1,
  wayMs = 0,
): Promise<Permit | undefined> {
  const verdict = await gate.acquire(place, askOf({ inputTokens }));
  if (!verdict.granted) return undefined;
  const { permit } = verdict;
  provider.send(
    permit.leaseId,
    time.us + wayMs * 1_000,
    place.pool.limits.map(({ dimension }) => permit.reserved[dimension] ?? 0),
  );
  return permit;
}

describe("a refund that comes late", () => {
  test("of calls not made does not let calls of the same second pass where they are counted by the second", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "second", 600)], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    const unsent: Permit[] = [];
    for (let n = 0; n < 15; n += 1) {
      unsent.push(permitOf(await world.gate.acquire(place, askOf())));
      world.pass(120);
    }
    world.pass(5_000);
    for (const permit of unsent) {
      await sent(world, place, provider);
      await world.gate.settle(permit, undefined);
    }
    provider.advance(world.time.us);
    expect(provider.refusals).toEqual([]);
  });

  test("of calls the provider turned away does not bring later ones closer together", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "second", 600)], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    // Ten a second, and every answer takes 250 ms: every second call is refused with 400 and counts for nothing.
    const answers: { readonly atUs: number; readonly permit: Permit; readonly refused: boolean }[] = [];
    let granted = 0;
    for (let n = 0; n < 400; n += 1) {
      while (answers[0] !== undefined && answers[0].atUs <= world.time.us) {
        const answer = answers.shift();
        if (answer !== undefined)
          await world.gate.settle(answer.permit, answer.refused ? failed("client", { status: 400 }) : answered({}));
      }
      const verdict = await world.gate.acquire(place, askOf());
      if (verdict.granted) {
        granted += 1;
        const refused = granted % 2 === 0;
        if (!refused) provider.send(verdict.permit.leaseId, world.time.us, [1]);
        answers.push({ atUs: world.time.us + 250_000, permit: verdict.permit, refused });
      }
      world.pass(10);
    }
    provider.advance(world.time.us);
    expect(provider.arrived).toBeGreaterThan(15);
    expect(provider.refusals).toEqual([]);
  });

  test("of a call not made is not added to a bucket that was full meanwhile", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 10 })], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    const unsent = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 8_000 })));
    world.pass(60_000);
    await sent(world, place, provider, 8_000);
    await world.gate.settle(unsent, undefined);
    await sent(world, place, provider, 8_000);
    provider.advance(world.time.us);
    expect(provider.refusals).toEqual([]);
  });

  test("of a long call does not let a minute hold more than the limit", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "sliding", 10_000)], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    const long: Permit[] = [];
    for (let n = 0; n < 5; n += 1) {
      long.push(permitOf(await world.gate.acquire(place, askOf({ inputTokens: 1_000 }))));
      provider.send(long[n]?.leaseId ?? "", world.time.us, [1_000]);
      world.pass(7_000);
    }
    // A minute later they are in no window any more; meanwhile all that is allowed is used.
    for (let ms = 0; ms < 62_000; ms += 1_000) {
      world.pass(1_000);
      await sent(world, place, provider, 150);
    }
    for (const permit of long) {
      await world.gate.settle(permit, answered({ inputTokens: 0, outputTokens: 0 }));
      provider.end(permit.leaseId, [0], world.time.us, world.time.us);
      for (const size of [1_000, 500, 200]) await sent(world, place, provider, size);
    }
    provider.advance(world.time.us);
    expect(provider.refusals).toEqual([]);
  });

  test("to the provider while another call is on its way there is not worth two calls", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 10 })], { jitterMs: 50 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    const long = await sent(world, place, provider, 8_000);
    if (long === undefined) throw new Error("refused");
    world.pass(60_000);
    await sent(world, place, provider, 8_000, 40);
    provider.end(long.leaseId, [0], world.time.us, world.time.us);
    await world.gate.settle(long, answered({ inputTokens: 0, outputTokens: 0 }));
    await sent(world, place, provider, 8_000, 40);
    provider.advance(world.time.us + 50_000);
    expect(provider.refusals).toEqual([]);
  });
});

describe("what a call took beyond its reservation", () => {
  test("is room that a start booked before has no more", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 10 })], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool);
    const first = await sent(world, place, provider, 8_500);
    if (first === undefined) throw new Error("refused");
    const ask = askOf({ inputTokens: 650, aheadMs: 250 });
    const booked = await world.gate.acquire(place, ask);
    expect(booked).toMatchObject({ granted: true, startMs: expect.closeTo(150, -1) });
    provider.end(first.leaseId, [14_000], world.time.us, world.time.us);
    await world.gate.settle(first, answered({ inputTokens: 14_000, outputTokens: 0 }));
    world.pass(booked.granted ? booked.startMs : 0);
    const look = await world.gate.lastLook(place, ask);
    if (look.granted) provider.send(ask.leaseId, Math.ceil(world.time.us + look.startMs * 1_000), [650]);
    provider.advance(world.time.us + 60_000_000);
    expect(provider.refusals).toEqual([]);
  });

  test.each([
    ["minute" as const, "2026-06-02T12:00:45Z"],
    ["day" as const, "2026-06-02T23:59:40Z"],
  ])("counts in the %s in which it becomes known, whenever the call began", async (mode, beganAt) => {
    const world = await opened(services);
    const dimension = mode === "minute" ? "outputTokens" : "tokensPerDay";
    const place = placeOf([limitOn(dimension, mode, 10_000)], { jitterMs: 0 });
    await warm(world, place);
    world.time.us = usAt(beganAt);
    const provider = providerOf(place.pool);
    const ask = () => world.gate.acquire(place, askOf({ maxOutputTokens: 1_000 }));
    const permit = permitOf(await ask());
    provider.send(permit.leaseId, world.time.us, [permit.reserved[dimension] ?? 0]);
    world.pass(30_000);
    provider.end(permit.leaseId, [mode === "minute" ? 6_000 : 6_001], world.time.us, world.time.us);
    await world.gate.settle(permit, answered({ inputTokens: 1, outputTokens: 6_000 }));
    for (let n = 0; n < 12; n += 1) {
      const verdict = await ask();
      if (verdict.granted)
        provider.send(verdict.permit.leaseId, world.time.us, [verdict.permit.reserved[dimension] ?? 0]);
    }
    provider.advance(world.time.us);
    expect(provider.arrived).toBeGreaterThan(3);
    expect(provider.refusals).toEqual([]);
  });
});

describe("the edges of what providers count by the clock", () => {
  test.each([-100, 0, 60, 100])("hold for days of a clock that is %i ms ahead of ours", async (aheadMs) => {
    const world = await opened(services);
    const place = placeOf([limitOn("requestsPerDay", "day", 20, { timeZone: "Asia/Tokyo" })], { jitterMs: 0 });
    await warm(world, place);
    const provider = providerOf(place.pool, aheadMs * 1_000);
    const midnightUs = usAt("2026-06-03T15:00:00Z");
    for (const offsetMs of [-30_000, -5_000, -150, -50, 0, 10, 50, 99, 101, 200, 5_000, 11_000]) {
      world.time.us = midnightUs + offsetMs * 1_000;
      await Promise.all(times(15, () => sent(world, place, provider)));
    }
    provider.advance(world.time.us);
    expect(provider.arrived).toBeGreaterThan(30);
    expect(provider.refusals).toEqual([]);
  });

  test.each([
    [1.0, 10],
    [1.0, 60],
    [1.05, 30],
    [1.2, 300],
    [1.5, 600],
  ])("hold for a bucket of %d calls at %i a minute", async (burst, limit) => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", limit, { burstSeconds: (60 * burst) / limit })], {
      jitterMs: 100,
    });
    await warm(world, place);
    const provider = providerOf(place.pool);
    for (let n = 0; n < 60; n += 1) {
      const verdict = await world.gate.acquire(place, askOf());
      if (verdict.granted)
        provider.send(verdict.permit.leaseId, world.time.us + (provider.arrived % 2 === 0 ? 100_000 : 0), [1]);
      else world.pass(Math.ceil(verdict.waitMs * 1_000) / 1_000);
      provider.advance(world.time.us);
    }
    expect(provider.arrived).toBeGreaterThan(20);
    expect(provider.refusals).toEqual([]);
  });
});
