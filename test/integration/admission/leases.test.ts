import { describe, expect, onTestFinished, test } from "vitest";
import { openAdmission } from "../../../src/admission/admission.ts";
import type { Permit } from "../../../src/admission/permit.ts";
import { useServices } from "../../support/services.ts";
import {
  answered,
  askOf,
  failed,
  keyOf,
  limitOn,
  opened,
  permitOf,
  placeOf,
  times,
  usedOf,
  warm,
  wordOf,
} from "./world.ts";

const services = useServices();
const plenty = () => [limitOn("requests", "bucket", 6_000_000)];

describe("a permit", () => {
  test("is settled exactly once, whoever tries how often", async () => {
    const world = await opened(services, 4);
    const place = placeOf([limitOn("inputTokens", "minute", 100_000)]);
    await warm(world, place);
    const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 1_000 })));
    await Promise.all(world.gates.map((gate) => gate.look(place, askOf())));
    const tries = world.gates.flatMap((gate) => [
      ...times(5, () => gate.settle(permit, answered({ inputTokens: 400 }))),
      ...times(5, () => gate.settle(permit, answered({ inputTokens: 400 }))),
    ]);
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    expect(await usedOf(world, place)).toEqual([400]);
  });

  test.each([[undefined], [answered({ inputTokens: 1 })], [failed("client")]])(
    "that expired cannot be settled and gives nothing back (%#)",
    async (outcome) => {
      const world = await opened(services);
      const place = placeOf([limitOn("inputTokens", "minute", 100_000)], { concurrency: 1 });
      await warm(world, place);
      const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 1_000, leaseMs: 5_000 })));
      world.pass(5_001);
      expect(await world.gate.settle(permit, outcome)).toBe(false);
      expect(await usedOf(world, place)).toEqual([1_000]);
      permitOf(await world.gate.acquire(place, askOf({ inputTokens: 500 })));
      expect(await world.gate.settle(permit, outcome)).toBe(false);
      expect(await usedOf(world, place)).toEqual([1_500]);
    },
  );

  test("that expired is not the one that a later question of the same name gets", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "minute", 100_000)], { concurrency: 1 });
    await warm(world, place);
    const ask = askOf({ inputTokens: 1_000, leaseMs: 5_000 });
    permitOf(await world.gate.acquire(place, ask));
    world.pass(5_001);
    permitOf(await world.gate.acquire(place, ask));
    expect(await usedOf(world, place)).toEqual([2_000]);
  });
});

describe("the gauge", () => {
  test("never holds more than its cap while sixteen connections race, and is empty when all are done", async () => {
    const world = await opened(services, 16);
    const place = placeOf(plenty(), { concurrency: 7 });
    await warm(world, place);
    let [holding, most, done] = [0, 0, 0];
    await Promise.all(
      world.gates.map(async (gate) => {
        for (let n = 0; n < 60; n += 1) {
          const verdict = await gate.acquire(place, askOf({ leaseMs: 600_000 }));
          if (!verdict.granted) {
            expect(verdict.blockedBy).toBe("concurrency");
            continue;
          }
          holding += 1;
          most = Math.max(most, holding);
          await new Promise((resolve) => setImmediate(resolve));
          expect(await world.redis.zcard(keyOf(place, "leases"))).toBeLessThanOrEqual(7);
          holding -= 1;
          await gate.settle(verdict.permit, answered());
          done += 1;
        }
      }),
    );
    expect(most).toBeGreaterThan(3);
    expect(most).toBeLessThanOrEqual(7);
    expect(done).toBeGreaterThan(50);
    for (const what of ["leases", "costs", "booked"])
      expect([what, await world.redis.exists(keyOf(place, what))]).toEqual([what, 0]);
  });

  test("is free again when the leases of vanished holders end, and nothing of them stays booked", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 600)], { concurrency: 60 });
    await warm(world, place);
    const lost = await Promise.all(
      times(70, () => world.gate.acquire(place, askOf({ leaseMs: 10_000, aheadMs: 250 }))),
    );
    expect(lost.filter((verdict) => verdict.granted && verdict.startMs > 0).length).toBeGreaterThan(0);
    expect(lost.filter(({ granted }) => granted).length).toBeGreaterThan(50);
    world.pass(10_300);
    const permit = permitOf(await world.gate.acquire(place, askOf()));
    await world.gate.settle(permit, undefined);
    for (const what of ["leases", "costs", "booked"])
      expect([what, await world.redis.exists(keyOf(place, what))]).toEqual([what, 0]);
    const again = await Promise.all(times(70, () => world.gate.acquire(place, askOf())));
    expect(again.filter(({ granted }) => granted).length).toBeGreaterThanOrEqual(53);
  });

  test("is not freed by leases that are kept alive", async () => {
    const world = await opened(services);
    const place = placeOf(plenty(), { concurrency: 2 });
    await warm(world, place);
    const ask = () => world.gate.acquire(place, askOf({ leaseMs: 10_000 }));
    const alive = permitOf(await ask());
    await ask();
    world.pass(9_000);
    await world.gate.progress([{ permit: alive, producedTokens: 0 }], 10_000);
    world.pass(2_000);
    expect([wordOf(await ask()), wordOf(await ask())]).toEqual(["granted", "concurrency"]);
    expect(await world.gate.settle(alive, answered())).toBe(true);
  });

  test("does not get back a lease that has ended", async () => {
    const world = await opened(services);
    const place = placeOf(plenty(), { concurrency: 1 });
    await warm(world, place);
    const dead = permitOf(await world.gate.acquire(place, askOf({ leaseMs: 1_000 })));
    world.pass(1_001);
    permitOf(await world.gate.acquire(place, askOf()));
    await world.gate.progress([{ permit: dead, producedTokens: 9 }], 60_000);
    expect(await world.redis.zcard(keyOf(place, "leases"))).toBe(1);
    expect(await world.gate.settle(dead, answered())).toBe(false);
  });

  test("counts calls that are booked, and frees them when they are called off", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "second", 600)], { concurrency: 2 });
    await warm(world, place);
    const verdicts = await Promise.all(times(3, () => world.gate.acquire(place, askOf({ aheadMs: 250 }))));
    expect(verdicts.map(wordOf)).toEqual(["granted", "granted", "concurrency"]);
    const booked: Permit[] = verdicts.flatMap((verdict) =>
      verdict.granted && verdict.startMs > 0 ? [verdict.permit] : [],
    );
    expect(booked).toHaveLength(1);
    for (const permit of booked) expect(await world.gate.settle(permit, undefined)).toBe(true);
    expect(wordOf(await world.gate.acquire(place, askOf({ aheadMs: 250 })))).toBe("granted");
  });

  test("that is not known grows with calls and is lowered by what the provider turns away", async () => {
    const world = await opened(services);
    const place = placeOf(plenty(), { concurrency: undefined });
    await warm(world, place);
    // The provider takes 12 at a time; after many rounds about as many are offered, and seldom more.
    const rounds: { readonly offered: number; readonly refused: number }[] = [];
    for (let round = 0; round < 60; round += 1) {
      const verdicts = await Promise.all(times(60, () => world.gate.acquire(place, askOf())));
      const permits = verdicts.flatMap((verdict) => (verdict.granted ? [verdict.permit] : []));
      const outcomes = permits.map((_permit, at) => (at < 12 ? answered() : failed("concurrency")));
      rounds.push({ offered: permits.length, refused: Math.max(0, permits.length - 12) });
      await Promise.all(permits.map((permit, at) => world.gate.settle(permit, outcomes[at])));
      world.pass(2_000);
    }
    const late = rounds.slice(-30);
    expect(late.reduce((sum, { offered }) => sum + Math.min(12, offered), 0) / 30).toBeGreaterThan(6);
    expect(late.reduce((sum, { refused }) => sum + refused, 0) / 30).toBeLessThan(6);
  });
});

test("with Redis away a question is answered by an error, so that nothing is sent", async () => {
  const gate = openAdmission("redis://127.0.0.1:1");
  onTestFinished(() => gate.close());
  await expect(gate.acquire(placeOf(plenty()), askOf())).rejects.toThrow();
});
