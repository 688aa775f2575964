import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Place } from "../../../src/admission/door.ts";
import type { Permit, Verdict } from "../../../src/admission/permit.ts";
import { drawn } from "../../support/drawn.ts";
import { useServices } from "../../support/services.ts";
import { chanceOf, pick } from "./trace.ts";
import {
  answered,
  askOf,
  failed,
  limitOn,
  opened,
  permitOf,
  placeOf,
  times,
  usedOf,
  type World,
  warm,
  wordOf,
} from "./world.ts";

const services = useServices();

const threeWays = () => [
  limitOn("requests", "bucket", 600),
  limitOn("inputTokens", "minute", 60_000),
  limitOn("outputTokens", "sliding", 60_000),
];
const sizes = [1, 200, 1_000, 2_500, 5_000].flatMap((inputTokens) =>
  [1, 300, 1_000].map((maxOutputTokens) => ({ inputTokens, maxOutputTokens })),
);
/** How the pool answers calls of several sizes. */
async function levels({ gate }: World, place: Place) {
  const verdicts = await Promise.all(sizes.map((size) => gate.look(place, askOf({ ...size, aheadMs: 100 }))));
  return verdicts.map((verdict) =>
    verdict.granted ? [verdict.startMs, verdict.nextMs] : [verdict.blockedBy, verdict.waitMs],
  );
}

describe("a refusal", () => {
  test.each(["requests", "inputTokens", "outputTokens", "concurrency"])(
    "by %s changes no level of any dimension",
    async (by) => {
      const world = await opened(services);
      const place = placeOf(threeWays(), by === "concurrency" ? { concurrency: 12 } : {});
      await warm(world, place);
      const size = { inputTokens: by === "inputTokens" ? 5_500 : 10, maxOutputTokens: by === "outputTokens" ? 560 : 1 };
      const ask = () => world.gate.acquire(place, askOf(size));
      const taken = await Promise.all(times(100, ask));
      expect(taken.filter(({ granted }) => granted).length).toBeGreaterThan(5);
      const before = await levels(world, place);
      const used = await usedOf(world, place);
      for (let n = 0; n < 5; n += 1) expect(wordOf(await ask())).toBe(by);
      expect(await levels(world, place)).toEqual(before);
      expect(await usedOf(world, place)).toEqual(used);
    },
  );

  test("of a call that is too large for one dimension takes nothing of the others", async () => {
    const world = await opened(services);
    const place = placeOf(threeWays());
    await warm(world, place);
    const before = await levels(world, place);
    const verdict = await world.gate.acquire(place, askOf({ inputTokens: 60_001 }));
    expect(verdict).toMatchObject({
      granted: false,
      blockedBy: "inputTokens",
      tooLarge: { asked: 60_001, most: 59_700 },
    });
    expect(await levels(world, place)).toEqual(before);
  });

  test("whatever was asked before leaves the pool as it was", async () => {
    let refused = 0;
    const world = await opened(services);
    for (const seed of drawn(fc.nat(), 6)) {
      const chance = chanceOf(seed);
      const place = placeOf(threeWays());
      await warm(world, place);
      for (let n = 0; n < 40; n += 1) {
        const before = await levels(world, place);
        const used = await usedOf(world, place);
        const size = { inputTokens: Math.ceil(9_000 * chance() ** 2), maxOutputTokens: Math.ceil(900 * chance()) };
        const verdict = await world.gate.acquire(place, askOf({ ...size, aheadMs: chance() < 0.3 ? 200 : 0 }));
        if (!verdict.granted) {
          refused += 1;
          expect(await levels(world, place)).toEqual(before);
          expect(await usedOf(world, place)).toEqual(used);
        }
        if (chance() < 0.3) world.pass(chance() * 300);
      }
    }
    expect(refused).toBeGreaterThan(40);
  });
});

test("what is charged less what is refunded is what calls took, once all are settled", async () => {
  const world = await opened(services, 3);
  let refunds = 0;
  for (const seed of drawn(fc.nat(), 25)) {
    const chance = chanceOf(seed);
    const place = placeOf([
      limitOn("requests", "bucket", 6_000_000),
      limitOn("inputTokens", "minute", 6_000_000),
      limitOn("outputTokens", "sliding", 60_000_000),
      limitOn("tokensPerDay", "day", 60_000_000),
    ]);
    await warm(world, place);
    const before = await usedOf(world, place);
    const expected = [0, 0, 0, 0];
    const open: Permit[] = [];
    const settleOne = async () => {
      const permit = open.splice(Math.floor(chance() * open.length), 1)[0];
      if (permit === undefined) return;
      const how = pick(chance, ["used", "unknown", "unsent", "refused"] as const);
      const usage = { inputTokens: Math.floor(2_000 * chance()), outputTokens: Math.floor(2_000 * chance()) };
      const reserved = place.pool.limits.map(({ dimension }) => permit.reserved[dimension] ?? 0);
      const actual = [1, usage.inputTokens, usage.outputTokens, usage.inputTokens + usage.outputTokens];
      const took = how === "used" ? actual : how === "unknown" ? reserved : [0, 0, 0, 0];
      for (const [at, units] of took.entries()) expected[at] = (expected[at] ?? 0) + units;
      if (took.some((units, at) => units < (reserved[at] ?? 0))) refunds += 1;
      const outcome = { used: answered(usage), unknown: answered({}), unsent: undefined, refused: failed("client") }[
        how
      ];
      expect(await pick(chance, world.gates).settle(permit, outcome)).toBe(true);
    };
    // Every process must know the pool before it can settle.
    await Promise.all(world.gates.map((gate) => gate.look(place, askOf())));
    for (let n = 0; n < 30; n += 1) {
      const size = { inputTokens: Math.ceil(1_000 * chance()), maxOutputTokens: Math.ceil(1_000 * chance()) };
      open.push(permitOf(await pick(chance, world.gates).acquire(place, askOf(size))));
      if (chance() < 0.5) await settleOne();
    }
    while (open.length > 0) await settleOne();
    const used = await usedOf(world, place);
    for (const [at, units] of expected.entries()) expect(used[at]).toBeCloseTo((before[at] ?? 0) + units, 1);
  }
  expect(refunds).toBeGreaterThan(100);
});

describe("a script call that is repeated", () => {
  test("with the same lease gives the same grant and charges once", async () => {
    const world = await opened(services, 4);
    const place = placeOf(threeWays(), { concurrency: 3 });
    await warm(world, place);
    const ask = askOf({ inputTokens: 1_000, maxOutputTokens: 100 });
    const first = await world.gate.acquire(place, ask);
    const used = await usedOf(world, place);
    const again = await Promise.all(world.gates.flatMap((gate) => times(5, () => gate.acquire(place, ask))));
    const look = await levels(world, place);
    // All but what the moment of asking says.
    const lapse = (verdict: Verdict) =>
      verdict.granted
        ? { ...verdict, permit: { ...verdict.permit, grantedAtMs: 0 }, nextMs: 0, more: 0, eachMs: 0 }
        : verdict;
    for (const verdict of again) expect(lapse(verdict)).toEqual(lapse(first));
    expect(await usedOf(world, place)).toEqual(used);
    await Promise.all(world.gates.map((gate) => gate.acquire(place, ask)));
    expect(await levels(world, place)).toEqual(look);
    expect(await world.redis.zcard(`millrace:{${place.pool.provider}}:leases:${place.pool.id}`)).toBe(1);
  });

  test("with the same lease racing on several processes grants one slot", async () => {
    const world = await opened(services, 8);
    const place = placeOf(threeWays(), { concurrency: 1 });
    await warm(world, place);
    const ask = askOf({ inputTokens: 100 });
    const verdicts = await Promise.all(world.gates.map((gate) => gate.acquire(place, ask)));
    expect(verdicts.every(({ granted }) => granted)).toBe(true);
    expect((await usedOf(world, place))[1]).toBe(100);
  });

  test("with a booked lease gives the rest of its wait", async () => {
    const world = await opened(services, 2);
    const place = placeOf([limitOn("requests", "bucket", 600)]);
    await warm(world, place);
    await Promise.all(times(53, () => world.gate.acquire(place, askOf())));
    const ask = askOf({ aheadMs: 250 });
    const first = await world.gate.acquire(place, ask);
    expect(first).toMatchObject({ granted: true, startMs: expect.any(Number) });
    const startMs = first.granted ? first.startMs : 0;
    expect(startMs).toBeGreaterThan(20);
    world.pass(10);
    for (const gate of world.gates) {
      expect(await gate.acquire(place, ask)).toMatchObject({ granted: true, startMs: expect.closeTo(startMs - 10, 2) });
    }
    const used = await usedOf(world, place);
    world.pass(startMs - 10);
    for (const gate of world.gates)
      expect(await gate.lastLook(place, ask)).toMatchObject({ granted: true, startMs: 0 });
    const after = await usedOf(world, place);
    expect((after[0] ?? 0) - (used[0] ?? 0)).toBeLessThanOrEqual(1.001);
    expect(after[0]).toBeLessThanOrEqual(53.7);
  });

  test("with a settled lease asks anew, and a settlement said again changes nothing", async () => {
    const world = await opened(services);
    const place = placeOf(threeWays());
    await warm(world, place);
    const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 2_000 })));
    const outcome = answered({ inputTokens: 500, outputTokens: 1 });
    expect(await world.gate.settle(permit, outcome)).toBe(true);
    const used = await usedOf(world, place);
    expect(used[1]).toBe(500);
    for (let n = 0; n < 3; n += 1) expect(await world.gate.settle(permit, outcome)).toBe(false);
    expect(await usedOf(world, place)).toEqual(used);
  });

  test("of progress charges what was produced once", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("outputTokens", "minute", 60_000)]);
    await warm(world, place);
    const permit = permitOf(await world.gate.acquire(place, askOf({ maxOutputTokens: 100 })));
    for (const [producedTokens, used] of [
      [50, 100],
      [400, 400],
      [400, 400],
      [300, 400],
      [900, 900],
    ] as const) {
      await world.gate.progress([{ permit, producedTokens }], 60_000);
      expect(await usedOf(world, place)).toEqual([used]);
    }
    await world.gate.settle(permit, answered({ inputTokens: 1, outputTokens: 1_000 }));
    expect(await usedOf(world, place)).toEqual([1_000]);
  });
});

describe("calls that share a script run", () => {
  test("are decided as they would be one by one", async () => {
    const world = await opened(services);
    const seen = { granted: 0, refused: 0 };
    for (const seed of drawn(fc.nat(), 20)) {
      const chance = chanceOf(seed);
      const limits = [limitOn("requests", "bucket", 120), limitOn("inputTokens", "minute", 10_000)];
      const together = placeOf(limits, { concurrency: 9 });
      const apart = placeOf(limits, { concurrency: 9 });
      await warm(world, together);
      await warm(world, apart);
      world.pass(120_000); // a first call near the edge of a minute counts in the next one, too
      const held: [Permit, Permit][] = [];
      for (let round = 0; round < 8; round += 1) {
        const asks = times(1 + Math.floor(10 * chance()), () =>
          askOf({
            leaseId: `${seed}-${Math.floor(40 * chance())}`,
            inputTokens: Math.ceil(2_500 * chance() ** 2),
            aheadMs: chance() < 0.4 ? 250 : 0,
            share: pick(chance, [1, 0.8]),
            isRetry: chance() < 0.1,
          }),
        );
        const grouped = await Promise.all(asks.map((ask) => world.gate.acquire(together, ask)));
        const single: Verdict[] = [];
        for (const ask of asks) single.push(await world.gate.acquire(apart, ask));
        expect(grouped.map(said)).toEqual(single.map(said));
        for (const [at, verdict] of grouped.entries()) {
          const other = single[at];
          if (!verdict.granted || other?.granted !== true) seen.refused += 1;
          else {
            seen.granted += 1;
            held.push([verdict.permit, other.permit]);
          }
        }
        const ended = held.splice(0, Math.floor(held.length * chance()));
        const outcomes = ended.map(() =>
          chance() < 0.3 ? undefined : answered({ inputTokens: Math.floor(1_000 * chance()) }),
        );
        const settled = await Promise.all(ended.map(([permit], at) => world.gate.settle(permit, outcomes[at])));
        const one: boolean[] = [];
        for (const [at, [, permit]] of ended.entries()) one.push(await world.gate.settle(permit, outcomes[at]));
        expect(settled).toEqual(one);
        const [used, usedApart] = [await usedOf(world, together), await usedOf(world, apart)];
        for (const [at, units] of used.entries()) expect(units).toBeCloseTo(usedApart[at] ?? -1, 6);
        if (chance() < 0.5) world.pass(chance() * 2_000);
      }
    }
    expect(seen.granted).toBeGreaterThan(150);
    expect(seen.refused).toBeGreaterThan(150);
  });

  test("share a burst in the order in which they were asked", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 200)], { jitterMs: 0 });
    await warm(world, place);
    const verdicts = await Promise.all(times(50, () => world.gate.acquire(place, askOf())));
    expect(verdicts.map(wordOf)).toEqual([...Array(18).fill("granted"), ...Array(32).fill("requests")]);
  });
});

/** All but what differs by name. */
function said(verdict: Verdict) {
  if (!verdict.granted) return verdict;
  const { permit, startMs, nextMs } = verdict;
  const { reserved, probe, leaseId }: Pick<Permit, "reserved" | "probe" | "leaseId"> = permit;
  return { leaseId, reserved, probe, startMs, nextMs };
}
