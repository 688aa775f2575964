import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Place } from "../../../src/admission/door.ts";
import type { Ask } from "../../../src/admission/permit.ts";
import type { Limit } from "../../../src/config/pool.ts";
import { drawn } from "../../support/drawn.ts";
import { useServices } from "../../support/services.ts";
import { chanceOf } from "./trace.ts";
import { askOf, limitOn, opened, permitOf, placeOf, times, type World, warm, wordOf } from "./world.ts";

const services = useServices();

/** More is asked for than the limit allows, for so long; what started is counted by dimension. */
async function driven(world: World, place: Place, ms: number, more: (n: number) => Partial<Ask>): Promise<number[]> {
  const untilUs = world.time.us + ms * 1_000;
  const started = place.pool.limits.map(() => 0);
  let ask = askOf({ leaseMs: 1_000, ...more(0) });
  for (let n = 0; world.time.us < untilUs; ) {
    const verdict = await world.gates[n % world.gates.length]?.acquire(place, ask);
    if (verdict?.granted === true) {
      for (const [at, { dimension }] of place.pool.limits.entries()) {
        started[at] = (started[at] ?? 0) + (verdict.permit.reserved[dimension] ?? 0);
      }
      world.pass(verdict.startMs);
      n += 1;
      ask = askOf({ leaseMs: 1_000, ...more(n) });
    } else {
      // Whoever was refused asks again for the same call.
      expect(verdict?.waitMs).toBeGreaterThan(0);
      world.time.us += Math.ceil((verdict?.waitMs ?? 0) * 1_000);
    }
  }
  return started;
}

describe("with more demand than the limit", () => {
  const tenMinutes = 600_000;
  test.each<[string, Limit, number, number, (n: number) => Partial<Ask>]>([
    ["requests in a bucket", limitOn("requests", "bucket", 100), 100 * 0.995, 50, () => ({})],
    ["requests by the second", limitOn("requests", "second", 120), 60 / 1.05, 50, () => ({})],
    [
      "requests booked ahead by the second",
      limitOn("requests", "second", 120),
      60 / 1.05,
      50,
      () => ({ aheadMs: 250 }),
    ],
    ["requests in any minute", limitOn("requests", "sliding", 100), 90 / (60.05 / 60), 50, () => ({})],
    ["requests in a minute of the clock", limitOn("requests", "minute", 100), 100, 50, () => ({})],
    [
      "tokens of calls of all sizes in a bucket",
      limitOn("inputTokens", "bucket", 50_000, { burstSeconds: 6 }),
      50_000 * 0.995,
      50,
      (n) => ({ inputTokens: 10 + ((n * 7_919) % 900) }),
    ],
    [
      "tokens booked ahead in a bucket",
      limitOn("inputTokens", "bucket", 50_000, { burstSeconds: 6 }),
      50_000 * 0.995,
      50,
      (n) => ({ inputTokens: 10 + ((n * 7_919) % 900), aheadMs: 200 }),
    ],
  ])("%s are used to 99 hundredths of what the shape allows", async (_name, limit, perMinute, jitterMs, more) => {
    const world = await opened(services, 2);
    const place = placeOf([limit, limitOn("tokensPerDay", "day", 1e12)], { jitterMs });
    await warm(world, place);
    // Windows of the clock: begins with one, and sees ten.
    world.time.us = Math.ceil(world.time.us / 60e6) * 60e6 + 100_000;
    if (limit.mode !== "minute") await driven(world, place, 10_000, more);
    const [started = 0] = await driven(world, place, tenMinutes - (limit.mode === "minute" ? 1_000 : 0), more);
    expect(started / (10 * perMinute)).toBeGreaterThan(0.99);
    expect(started / (10 * perMinute)).toBeLessThan(1.06);
  });
});

describe("a call", () => {
  test.each<Limit>([
    limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 10 }),
    limitOn("inputTokens", "sliding", 60_000),
    limitOn("inputTokens", "minute", 60_000),
    limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 60 }),
  ])(
    "no larger than the burst starts once it is waited for as it says; a larger one is refused for good ($mode)",
    async (limit) => {
      const world = await opened(services);
      for (const seed of drawn(fc.nat(), 10)) {
        const chance = chanceOf(seed);
        const place = placeOf([limitOn("requests", "bucket", 600), limit]);
        const huge = await world.gate.acquire(place, askOf({ inputTokens: 60_001 }));
        expect(huge).toMatchObject({
          granted: false,
          waitMs: Number.POSITIVE_INFINITY,
          blockedBy: "inputTokens",
          tooLarge: { asked: 60_001 },
        });
        const most = huge.granted ? 0 : (huge.tooLarge?.most ?? 0);
        expect(await world.gate.acquire(place, askOf({ inputTokens: most + 1 }))).toMatchObject({
          tooLarge: { asked: most + 1, most },
        });
        for (let n = 0; n < 12; n += 1) {
          const ask = askOf({ inputTokens: n % 4 === 0 ? most : Math.ceil(most * chance()) });
          let verdict = await world.gate.acquire(place, ask);
          for (let tries = 0; !verdict.granted && tries < 3; tries += 1) {
            expect(verdict.waitMs).toBeGreaterThan(0);
            expect(verdict.waitMs).toBeLessThan(130_000);
            world.time.us += Math.ceil(verdict.waitMs * 1_000);
            verdict = await world.gate.acquire(place, ask);
          }
          expect(wordOf(verdict)).toBe("granted");
        }
      }
    },
  );

  test("that is refused is told exactly how long to wait: a microsecond sooner it is refused again", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 60)]);
    await warm(world, place);
    await Promise.all(times(8, () => world.gate.acquire(place, askOf())));
    for (let n = 0; n < 5; n += 1) {
      const refusal = await world.gate.acquire(place, askOf());
      const waitUs = refusal.granted ? 0 : Math.ceil(refusal.waitMs * 1_000);
      expect(waitUs).toBeGreaterThan(500_000);
      world.time.us += waitUs - 10;
      expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("requests");
      world.time.us += 10;
      expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("granted");
    }
  });

  test("that is granted is told how long until the next of its kind", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 60)]);
    await warm(world, place);
    for (let n = 0; n < 12; n += 1) {
      const verdict = await world.gate.acquire(place, askOf());
      const nextMs = verdict.granted ? verdict.nextMs : Number.NaN;
      if (nextMs > 0.01) {
        world.time.us += Math.ceil(nextMs * 1_000) - 10;
        expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("requests");
        world.time.us += 10;
      }
      expect(wordOf(await world.gate.look(place, askOf()))).toBe("granted");
    }
  });
});

describe("a pool that nobody remembers", () => {
  test.each([
    [limitOn("requests", "bucket", 600, { burstSeconds: 60 }), 29],
    [limitOn("requests", "bucket", 600, { burstSeconds: 6 }), 6],
    [limitOn("requests", "sliding", 600), 27],
    [limitOn("requests", "minute", 600), 30],
    [limitOn("requests", "bucket", 10, { burstSeconds: 60 }), 1],
  ])("starts with three seconds' worth at most, and with one call at least (%#)", async (limit, most) => {
    const world = await opened(services);
    const verdicts = await Promise.all(times(80, (n) => world.gate.acquire(placeOnce(limit, n), askOf())));
    const granted = verdicts.filter((verdict) => verdict.granted).length;
    expect(granted).toBeGreaterThanOrEqual(1);
    expect(granted).toBeLessThanOrEqual(most);
  });

  test("warms up although its first calls are refused", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 39)]);
    const bulk = () => world.gate.acquire(place, askOf({ share: 0.8 }));
    const first = await bulk();
    if (!first.granted) {
      world.time.us += Math.ceil(first.waitMs * 1_000);
      permitOf(await bulk());
    }
  });
});

const once = new Map<Limit, Place>();
function placeOnce(limit: Limit, n: number): Place {
  const place = n === 0 ? placeOf([limit]) : (once.get(limit) ?? placeOf([limit]));
  once.set(limit, place);
  return place;
}
