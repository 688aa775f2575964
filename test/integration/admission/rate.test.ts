import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rateFor, shareFor } from "../../../src/admission/rate.ts";
import { drawn } from "../../support/drawn.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";
import { ask, opened, poolOf, rested, timeOf } from "./gates.ts";

const services = useServices();

describe("the rate", () => {
  test("lets a burst go at once and then says exactly how long to wait", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 60 });
    await rested(redis, pool);
    const verdicts = await Promise.all(Array.from({ length: 8 }, () => ask(gate, pool)));
    expect(verdicts.filter((verdict) => verdict.granted)).toHaveLength(6);
    const [refusal] = verdicts.filter((verdict) => !verdict.granted);
    const perUnitMs = rateFor("requests", 60).perUnitUs / 1_000;
    expect(refusal).toMatchObject({ blockedBy: "requests" });
    expect(refusal?.granted === false ? refusal.waitMs : 0).toBeGreaterThan(perUnitMs * 0.9);
    expect(refusal?.granted === false ? refusal.waitMs : 0).toBeLessThanOrEqual(perUnitMs + 0.001);
  });

  test("grants after the wait that it named, and not long before", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 600 });
    await rested(redis, pool);
    await Promise.all(Array.from({ length: 60 }, () => ask(gate, pool)));
    for (let n = 0; n < 5; n += 1) {
      const refusal = await ask(gate, pool);
      if (refusal.granted) throw new Error("granted beyond the burst");
      const dueAt = (await timeOf(redis)) + refusal.waitMs;
      const grantedAt = await eventually("a grant", async () =>
        (await ask(gate, pool)).granted ? await timeOf(redis) : undefined,
      );
      expect(grantedAt).toBeGreaterThan(dueAt - 25);
    }
  });

  test("says with a grant how long until the next one", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 60 });
    await rested(redis, pool);
    const next = [];
    for (let n = 0; n < 6; n += 1) {
      const verdict = await ask(gate, pool);
      next.push(verdict.granted ? verdict.nextMs : "refused");
    }
    expect(next.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(next[5]).toBeGreaterThan(1_000);
  });

  test("holds in every window, wherever it starts, whoever asks: burst plus refill and not one more", async () => {
    const { redis, gates } = await opened(services, 4);
    // 12,000 a minute is 200 a second: windows of a second show what windows of a minute would.
    const pool = poolOf({ requestsPerMinute: 12_000, concurrency: 100_000 });
    await rested(redis, pool);
    const { burst, perUnitUs } = rateFor("requests", pool.requestsPerMinute);
    const granted: number[] = [];
    const until = Date.now() + 2_500;
    const pauses = drawn(fc.integer({ min: 0, max: 30 }), 400);
    await Promise.all(
      gates.map(async (gate, which) => {
        for (let n = which; Date.now() < until; n += 1) {
          // What was granted went at the latest at the end of the question; the earlier, the denser.
          const asked = Array.from({ length: 40 }, async () => {
            const verdict = await ask(gate, pool);
            if (verdict.granted) granted.push(await timeOf(redis));
          });
          await Promise.all(asked);
          await new Promise((resolve) => setTimeout(resolve, pauses[n % pauses.length]));
        }
      }),
    );
    granted.sort((one, other) => one - other);
    expect(granted.length).toBeGreaterThan(burst);
    // Both ends of a window are measured after the grant: what a grant was measured late by comes on top.
    const slackMs = 60;
    for (const windowMs of [50, 200, 1_000, 2_000]) {
      const allowed = burst + ((windowMs + slackMs) * 1_000) / perUnitUs + 1;
      for (const [at, start] of granted.entries()) {
        const inWindow = granted.slice(at).findIndex((time) => time > start + windowMs);
        expect(inWindow === -1 ? granted.length - at : inWindow).toBeLessThanOrEqual(allowed);
      }
    }
  });

  test("reaches what it allows: nothing of a limit that is asked for is left lying", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 30_000, concurrency: 100_000 });
    await rested(redis, pool);
    const start = await timeOf(redis);
    let granted = 0;
    while ((await timeOf(redis)) < start + 1_000) {
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(gate, pool)));
      granted += verdicts.filter((verdict) => verdict.granted).length;
    }
    const { burst, perUnitUs } = rateFor("requests", pool.requestsPerMinute);
    expect(granted).toBeGreaterThan(0.97 * (burst + 1_000_000 / perUnitUs));
  });

  test("starts cold with at most three seconds' worth: a Redis that lost its data grants no second burst", async () => {
    const { gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 6_000, concurrency: 10_000 });
    const { burst, perUnitUs } = rateFor("requests", 6_000);
    const start = performance.now();
    const verdicts = await Promise.all(Array.from({ length: burst }, () => ask(gate, pool)));
    const elapsedUs = (performance.now() - start) * 1_000;
    const granted = verdicts.filter((verdict) => verdict.granted).length;
    expect(burst).toBe(600);
    expect(granted).toBeGreaterThanOrEqual(3_000_000 / perUnitUs);
    expect(granted).toBeLessThanOrEqual((3_000_000 + elapsedUs) / perUnitUs + 1);
  });

  test("starts cold with one call where three seconds are worth less than one", async () => {
    const { gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 10 });
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => ask(gate, pool)));
    expect(verdicts.map((verdict) => verdict.granted)).toEqual([true, false, false, false, false]);
  });

  test("lets a cold pool warm up although its first calls are refused: a wait that is named also ends", async () => {
    const { gate } = await opened(services);
    // Three seconds' worth of this limit is less than bulk has to leave for interactive calls.
    const pool = poolOf({ requestsPerMinute: 39 });
    const bulk = () => gate.acquire(pool, `bulk-${performance.now()}`, 60_000, shareFor(false));
    const first = await bulk();
    expect(first).toMatchObject({ granted: false, blockedBy: "requests" });
    const waitMs = first.granted ? 0 : first.waitMs;
    const since = performance.now();
    await eventually("a grant", async () => (await bulk()).granted);
    expect(performance.now() - since).toBeLessThan(waitMs + 500);
  });

  test("of one pool is none of another's business", async () => {
    const { gate } = await opened(services);
    const [one, other] = [poolOf({ id: "a.x", requestsPerMinute: 1 }), poolOf({ id: "a.y", requestsPerMinute: 1 })];
    expect((await ask(gate, one)).granted).toBe(true);
    expect((await ask(gate, one)).granted).toBe(false);
    expect((await ask(gate, other)).granted).toBe(true);
  });
});
