import { describe, expect, test } from "vitest";
import type { Place } from "../../../src/admission/door.ts";
import type { Ask } from "../../../src/admission/permit.ts";
import { shareFor } from "../../../src/admission/shape.ts";
import { useServices } from "../../support/services.ts";
import { chanceOf } from "./trace.ts";
import { answered, askOf, failed, limitOn, opened, placeOf, times, usAt, type World, warm, wordOf } from "./world.ts";

const services = useServices();

const granted = async ({ gate }: World, place: Place, count: number, more: Partial<Ask>) => {
  const words = (await Promise.all(times(count, () => gate.acquire(place, askOf(more))))).map(wordOf);
  return {
    granted: words.filter((word) => word === "granted").length,
    refusedBy: [...new Set(words)].filter((word) => word !== "granted"),
  };
};

describe("what is kept for interactive calls", () => {
  test("is a fifth of the burst and of the slots: bulk cannot take it, interactive calls can", async () => {
    const world = await opened(services);
    const burst = placeOf([limitOn("requests", "bucket", 1_000, { burstSeconds: 6 })], { jitterMs: 0 });
    const slots = placeOf([limitOn("requests", "bucket", 6_000_000)], { concurrency: 10 });
    for (const [place, bulk, rest, by] of [
      [burst, 72, 18, "requests"],
      [slots, 8, 2, "concurrency"],
    ] as const) {
      await warm(world, place);
      expect(await granted(world, place, 100, { share: shareFor(false) })).toEqual({ granted: bulk, refusedBy: [by] });
      expect(await granted(world, place, 100, { share: shareFor(true) })).toEqual({ granted: rest, refusedBy: [by] });
    }
  });

  test("is nothing where there is only one: bulk is never barred for good", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 1, { burstSeconds: 60 })], { concurrency: 1 });
    let verdict = await world.gate.acquire(place, askOf({ share: 0.8 }));
    for (let tries = 0; !verdict.granted && tries < 3; tries += 1) {
      world.time.us += Math.ceil(verdict.waitMs * 1_000);
      verdict = await world.gate.acquire(place, askOf({ share: 0.8 }));
    }
    expect(wordOf(verdict)).toBe("granted");
  });

  test("does not lower what bulk gets of a bucket in the long run", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "bucket", 120)]);
    await warm(world, place);
    let started = 0;
    for (let ms = 0; ms < 120_000; ms += 250) {
      started += (await granted(world, place, 4, { share: 0.8 })).granted;
      world.pass(250);
    }
    expect(started).toBeGreaterThan(2 * 120 * 0.99);
  });

  test("of a minute of the clock falls to bulk by its end, so that nothing of it is lost", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("requests", "minute", 100)]);
    await warm(world, place);
    for (let minute = 0; minute < 2; minute += 1) {
      world.time.us = usAt("2026-06-03T08:00:00.150Z") + minute * 60e6;
      let started = 0;
      const early = (await granted(world, place, 100, { share: 0.8 })).granted;
      // A call near the end of the minute before counts in this one, too.
      expect(early).toBeGreaterThanOrEqual(minute === 0 ? 80 : 79);
      expect(early).toBeLessThanOrEqual(85);
      started += early;
      for (let ms = 0; ms < 59_940; ) {
        const stepMs = ms < 59_000 ? 500 : 20;
        ms += stepMs;
        world.pass(stepMs);
        const now = (await granted(world, place, 2, { share: 0.8 })).granted;
        // What is kept shrinks with the time that is left.
        started += now;
        expect(started).toBeLessThanOrEqual(80 + 20 * (ms / 59_000) + 2);
      }
      expect(started).toBeGreaterThanOrEqual(minute === 0 ? 100 : 99);
    }
  });
});

describe("retries", () => {
  const rules = {
    circuit: { threshold: 1e6, coolDownMs: 1_000, ratio: 1, minimumCalls: 1e6, windowSeconds: 10 },
    retries: { share: 0.2, floorPerSecond: 1 },
  };
  test("never exceed their share of first calls, a floor a second, and ten seconds of it at once", async () => {
    for (const seed of [1, 2]) {
      const chance = chanceOf(seed);
      const world = await opened(services, 2, rules);
      const place = placeOf([limitOn("requests", "bucket", 6_000_000)]);
      const beganUs = world.time.us;
      const count = { first: 0, retries: 0, refused: 0 };
      await world.gate.look(place, askOf());
      for (let n = 0; n < 400; n += 1) {
        const isRetry = chance() < 0.6;
        const verdict = await world.gates[n % 2]?.acquire(place, askOf({ isRetry }));
        if (verdict?.granted === true) {
          if (isRetry) count.retries += 1;
          else count.first += 1;
          await world.gates[n % 2]?.settle(verdict.permit, chance() < 0.5 ? failed("server") : answered());
        } else {
          expect(verdict).toMatchObject({ granted: false, blockedBy: "retries" });
          expect(verdict?.waitMs).toBeGreaterThan(0);
          expect(isRetry).toBe(true);
          count.refused += 1;
        }
        const seconds = (world.time.us - beganUs) / 1e6;
        expect(count.retries).toBeLessThanOrEqual(0.2 * count.first + seconds * 1 + 10 + 1e-6);
        if (chance() < 0.3) world.pass(chance() * 1_000);
      }
      expect(count.refused).toBeGreaterThan(40);
      expect(count.retries).toBeGreaterThan(0.2 * count.first);
    }
  });

  test("that are saved up are no more than ten seconds' worth of the floor", async () => {
    const world = await opened(services, 1, rules);
    const place = placeOf([limitOn("requests", "bucket", 6_000_000)]);
    await warm(world, place);
    await granted(world, place, 500, {});
    world.pass(3_600_000);
    expect(await granted(world, place, 100, { isRetry: true })).toEqual({ granted: 10, refusedBy: ["retries"] });
  });

  test("are saved up anew when Redis has lost what was left of them", async () => {
    const world = await opened(services, 2, rules);
    const place = placeOf([limitOn("requests", "bucket", 6_000_000)]);
    await warm(world, place);
    await granted(world, place, 100, { isRetry: true });
    await world.redis.flushall();
    expect(await granted(world, place, 100, { isRetry: true })).toEqual({ granted: 0, refusedBy: ["retries"] });
    world.pass(3_000);
    expect(await granted(world, place, 100, { isRetry: true })).toEqual({ granted: 3, refusedBy: ["retries"] });
  });

  test("never keep a first call back", async () => {
    const world = await opened(services, 1, rules);
    const place = placeOf([limitOn("requests", "bucket", 6_000_000)]);
    await warm(world, place);
    await granted(world, place, 100, { isRetry: true });
    expect(await granted(world, place, 50, {})).toEqual({ granted: 50, refusedBy: [] });
  });
});
