/** A Redis that lost the leases: the calls under way still hold their slots, for the ledger knows them. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Admission } from "../../../src/admission/admission.ts";
import type { CallSums } from "../../../src/admission/charge.ts";
import type { LiveLease } from "../../../src/admission/door.ts";
import type { Permit } from "../../../src/admission/permit.ts";
import type { Limit } from "../../../src/config/pool.ts";
import { useServices } from "../../support/services.ts";
import {
  answered,
  askOf,
  keyOf,
  limitOn,
  opened,
  permitOf,
  placeOf,
  times,
  usAt,
  usedOf,
  warm,
  wordOf,
} from "./world.ts";

const services = useServices();
const leaseMs = 60_000;
const noLimit = () => [limitOn("requests", "bucket", undefined)];
const lease = (leaseId: string): LiveLease => ({ leaseId, leaseMs });

/** So many processes at one pool of `concurrency`; `live` is what the ledger would say. */
async function fleetOf(concurrency: number, processes = 1) {
  const world = await opened(services);
  const place = placeOf(noLimit(), { concurrency });
  const live = new Set<string>();
  const gates = times(processes, () => world.join({ liveLeases: async () => [...live].map(lease) }));
  const [gate] = gates as [Admission];
  await warm(world, place, gate);
  const start = async (): Promise<Permit> => {
    const ask = askOf({ leaseMs });
    live.add(ask.leaseId);
    return permitOf(await gate.acquire(place, ask));
  };
  const end = async (permit: Permit) => {
    await gate.settle(permit, answered());
    live.delete(permit.leaseId);
  };
  const word = async () => wordOf(await gate.acquire(place, askOf({ leaseMs })));
  const held = () => world.redis.zcard(keyOf(place, "leases"));
  return { world, place, live, gates, gate, start, end, word, held };
}

describe("a pool whose state was lost", () => {
  test("lets nobody in beyond its cap while the calls from before are under way", async () => {
    const { world, start, end, word, held } = await fleetOf(5);
    const permits = await Promise.all(times(5, start));
    await world.redis.flushall();
    expect(await word()).toBe("concurrency");
    for (const permit of permits.slice(0, 2)) await end(permit);
    expect(await Promise.all(times(4, word))).toEqual(["granted", "granted", "concurrency", "concurrency"]);
    for (const permit of permits.slice(2)) await end(permit);
    expect(await held()).toBe(2);
  });

  test("frees the slot of a call that ends before anybody asks again", async () => {
    const { world, start, end, held } = await fleetOf(5);
    const permits = await Promise.all(times(3, start));
    await world.redis.flushall();
    for (const permit of permits) await end(permit);
    expect(await held()).toBe(0);
  });

  test("keeps the slots of calls whose workers are heard of, and of no others", async () => {
    const { world, gate, start, word } = await fleetOf(2);
    const [kept, lost] = await Promise.all([start(), start()]);
    await world.redis.flushall();
    expect(await word()).toBe("concurrency");
    world.pass(leaseMs - 1_000);
    await gate.progress([{ permit: kept, producedTokens: 5 }], leaseMs);
    world.pass(900);
    await gate.progress([{ permit: kept, producedTokens: 5 }], leaseMs);
    world.pass(900);
    expect([await word(), await word()]).toEqual(["granted", "concurrency"]);
    expect(await gate.settle(lost, answered())).toBe(false);
  });

  test("takes what is in a worker's hand and asks for its call as not under way yet", async () => {
    const { world, place, live, gate, held } = await fleetOf(2);
    const ask = askOf({ leaseMs });
    live.add(ask.leaseId);
    await world.redis.flushall();
    const permit = permitOf(await gate.acquire(place, ask));
    expect(await world.redis.hlen(keyOf(place, "costs"))).toBe(1);
    expect(await gate.settle(permit, answered())).toBe(true);
    expect(await held()).toBe(0);
  });

  test("is not told of calls that ended since another process told it", async () => {
    const { world, place, live, gates, start, end, held } = await fleetOf(5, 2);
    const permit = await start();
    let release = () => {};
    const slow = world.join({
      liveLeases: () => {
        const before = [...live].map(lease);
        return new Promise((resolve) => {
          release = () => resolve(before);
        });
      },
    });
    await world.redis.flushall();
    const late = slow.acquire(place, askOf({ leaseMs }));
    await new Promise((resolve) => setImmediate(resolve));
    await gates[1]?.look(place, askOf());
    await end(permit);
    while ((await world.redis.hget(keyOf(place, "pool"), "sd")) === null) await new Promise(setImmediate);
    release();
    expect(wordOf(await late)).toBe("granted");
    expect(await held()).toBe(1);
  });
});

test("leases that ended while nobody came by are asked for: their holders may have been unable to renew them", async () => {
  const { world, start, word } = await fleetOf(2);
  await Promise.all([start(), start()]);
  world.pass(leaseMs + 5_000);
  expect(await word()).toBe("concurrency");
});

test("four processes never have more calls under way than the cap, however often Redis forgets", async () => {
  const cap = 7;
  const { world, place, live, gates } = await fleetOf(cap, 4);
  let [underWay, most, done, isOver] = [0, 0, 0, false];
  const forget = async () => {
    while (!isOver) {
      await world.redis.flushall();
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    }
  };
  const call = async (gate: Admission) => {
    const ask = askOf({ leaseMs });
    live.add(ask.leaseId);
    const verdict = await gate.acquire(place, ask);
    if (verdict.granted) {
      underWay += 1;
      most = Math.max(most, underWay);
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      underWay -= 1;
      await gate.settle(verdict.permit, answered());
      done += 1;
    }
    live.delete(ask.leaseId);
  };
  const forgetting = forget();
  await Promise.all(
    gates.flatMap((gate) =>
      times(5, async () => {
        for (let n = 0; n < 60; n += 1) await call(gate);
      }),
    ),
  );
  isOver = true;
  await forgetting;
  expect(most).toBeLessThanOrEqual(cap);
  expect(done).toBeGreaterThan(50);
});

describe("a day's counter that was lost", () => {
  const today = usAt("2026-06-01T12:00:00Z");
  /** A pool of ten requests or a thousand tokens a day; what the ledger would say of the calls that are over. */
  async function dayOf(limits: readonly Limit[], calls: readonly CallSums[], live: readonly string[] = []) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-06-01T12:00:00Z") });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const world = await opened(services);
    world.time.us = today;
    const place = placeOf(limits);
    const asked: string[] = [];
    const gate = world.join({
      liveLeases: async () => live.map(lease),
      callsSince: async (pool, since) => {
        asked.push(`${pool} since ${since.toISOString()}`);
        return calls;
      },
    });
    return { world, place, gate, asked };
  }
  const sums = (calls: number, failureKind?: CallSums["failureKind"], usage: CallSums["usage"] = {}): CallSums => ({
    calls,
    failureKind,
    usage,
  });

  test("goes on from what the ledger knows of this day in its zone: what was refused was not charged, what is under way is", async () => {
    const limits = [limitOn("requestsPerDay", "day", 10, { timeZone: "America/Los_Angeles" })];
    const { world, place, gate, asked } = await dayOf(limits, [sums(4), sums(2, "server"), sums(9, "rate")], ["live"]);
    const word = async () => wordOf(await gate.acquire(place, askOf()));
    for (const round of [1, 2]) {
      const words = [await word(), await word(), await word(), await word()];
      expect([round, words]).toEqual([round, ["granted", "granted", "granted", "requestsPerDay"]]);
      await world.redis.flushall();
    }
    expect(new Set(asked)).toEqual(new Set([`${place.pool.id} since 2026-06-01T07:00:00.000Z`]));
  });

  test("counts tokens as they are charged", async () => {
    const limits = [limitOn("tokensPerDay", "day", 1_000)];
    const usage = { inputTokens: 800, cacheReadTokens: 300, outputTokens: 200 };
    const { world, place, gate } = await dayOf(limits, [sums(3, undefined, usage)]);
    permitOf(await gate.acquire(place, askOf({ inputTokens: 200, maxOutputTokens: 99 })));
    expect((await usedOf(world, place))[0]).toBe(700 + 299);
    expect(wordOf(await gate.acquire(place, askOf()))).toBe("tokensPerDay");
  });

  test("that was not lost stays what it was", async () => {
    const { world, place, gate } = await dayOf([limitOn("requestsPerDay", "day", 10)], [sums(1)]);
    for (const _call of times(5, String)) permitOf(await gate.acquire(place, askOf()));
    expect((await usedOf(world, place))[0]).toBe(6);
  });
});
