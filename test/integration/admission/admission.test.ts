import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { openAdmission } from "../../../src/admission/admission.ts";
import type { Verdict } from "../../../src/admission/permit.ts";
import { rateFor, shareFor } from "../../../src/admission/rate.ts";
import { drawn } from "../../support/drawn.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";
import { ask, kept, opened, permitOf, poolOf, rested } from "./gates.ts";

const services = useServices();

describe("what is kept for interactive calls", () => {
  test("is a fifth of the burst and of the slots: bulk cannot take it, interactive calls can", async () => {
    const { redis, gate } = await opened(services);
    const burst = poolOf({ id: "a.burst", requestsPerMinute: 100 });
    const slots = poolOf({ id: "a.slots", concurrency: 10 });
    await rested(redis, burst);
    for (const [pool, blockedBy] of [
      [burst, "requests"],
      [slots, "concurrency"],
    ] as const) {
      const acquire = async (word: string, interactive: boolean) => {
        const asked = Array.from({ length: 12 }, (_, at) =>
          gate.acquire(pool, `${word}-${at}`, 60_000, shareFor(interactive)),
        );
        return (await Promise.all(asked)).map((verdict) => (verdict.granted ? "granted" : verdict.blockedBy));
      };
      expect(await acquire("bulk", false)).toEqual([...Array(8).fill("granted"), ...Array(4).fill(blockedBy)]);
      expect(await acquire("now", true)).toEqual([...Array(2).fill("granted"), ...Array(10).fill(blockedBy)]);
    }
  });

  test("is nothing where there is only one: bulk is never barred for good", async () => {
    const { gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 1, concurrency: 1 });
    expect((await gate.acquire(pool, "bulk", 60_000, shareFor(false))).granted).toBe(true);
  });
});

describe("a refusal", () => {
  test("changes nothing, by rate or by concurrency", async () => {
    const { redis, gate } = await opened(services);
    const byRate = poolOf({ id: "a.rate", requestsPerMinute: 1 });
    const byGauge = poolOf({ id: "a.gauge", concurrency: 1 });
    for (const [pool, blockedBy] of [
      [byRate, "requests"],
      [byGauge, "concurrency"],
    ] as const) {
      await ask(gate, pool);
      const before = await kept(redis, pool);
      for (let n = 0; n < 5; n += 1) expect(await ask(gate, pool)).toMatchObject({ granted: false, blockedBy });
      expect(await kept(redis, pool)).toEqual(before);
    }
  });
});

describe("a permit", () => {
  test("is granted once to a lease that asks twice, and takes one slot and one request", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 600 });
    const first = await gate.acquire(pool, "same", 60_000);
    const before = await kept(redis, pool);
    const again = await Promise.all(Array.from({ length: 5 }, () => gate.acquire(pool, "same", 60_000)));
    expect([first, ...again].every((verdict) => verdict.granted)).toBe(true);
    const after = await kept(redis, pool);
    expect(after.rates).toEqual(before.rates);
    expect(after.leases).toHaveLength(2);
  });

  test("is settled exactly once, whoever tries how often", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({});
    const permit = permitOf(await ask(gate, pool));
    const settled = await Promise.all(Array.from({ length: 10 }, () => gate.settle(permit, { requests: 1 })));
    expect(settled.filter(Boolean)).toHaveLength(1);
    expect((await kept(redis, pool)).leases).toEqual([]);
  });

  test("that was used stays charged, one that was not is given back", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 60 });
    await rested(redis, pool);
    const used = permitOf(await ask(gate, pool));
    const unused = permitOf(await ask(gate, pool));
    const arrival = async () => Number((await kept(redis, pool)).rates["a1"]);
    const before = await arrival();
    await gate.settle(used, { requests: 1 });
    expect(await arrival()).toBe(before);
    await gate.settle(unused, { requests: 0 });
    expect(before - (await arrival())).toBeCloseTo(rateFor("requests", 60).perUnitUs, 0);
  });

  test("given back banks no credit: never more than a burst at once", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 600 });
    await rested(redis, pool);
    const permits = [];
    for (let n = 0; n < 60; n += 1) permits.push(permitOf(await ask(gate, pool)));
    for (const permit of permits) await gate.settle(permit, { requests: 0 });
    const start = performance.now();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => ask(gate, pool)));
    const refilled = ((performance.now() - start) * 1_000) / rateFor("requests", 600).perUnitUs;
    expect(verdicts.filter((verdict) => verdict.granted).length).toBeLessThanOrEqual(60 + Math.ceil(refilled));
  });

  test("that expired cannot be settled and gives nothing back", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 600, concurrency: 1 });
    const permit = permitOf(await ask(gate, pool, 20));
    await eventually("the slot is free", async () => (await ask(gate, pool, 60_000)).granted);
    const before = await kept(redis, pool);
    expect(await gate.settle(permit, { requests: 0 })).toBe(false);
    expect(await kept(redis, pool)).toEqual(before);
  });
});

describe("the gauge", () => {
  test("never holds more than its cap while sixteen connections race, and is empty when all are done", async () => {
    const { redis, gates } = await opened(services, 16);
    const pool = poolOf({ requestsPerMinute: 10_000_000, concurrency: 7 });
    let holding = 0;
    let most = 0;
    let done = 0;
    await Promise.all(
      gates.map(async (gate) => {
        for (let n = 0; n < 40; n += 1) {
          const verdict = await ask(gate, pool);
          if (!verdict.granted) continue;
          holding += 1;
          most = Math.max(most, holding);
          await new Promise((resolve) => setImmediate(resolve));
          holding -= 1;
          await gate.settle(verdict.permit, { requests: 1 });
          done += 1;
        }
      }),
    );
    expect(most).toBeLessThanOrEqual(7);
    expect(done).toBeGreaterThan(50);
    expect((await kept(redis, pool)).leases).toEqual([]);
  });

  test("is freed by leases that end, and not by leases that are kept alive", async () => {
    const { gate } = await opened(services);
    const pool = poolOf({ concurrency: 2 });
    const alive = permitOf(await ask(gate, pool, 150));
    await ask(gate, pool, 150);
    await gate.progress([alive], 60_000);
    await eventually("the dead one's slot", async () => (await ask(gate, pool, 60_000)).granted);
    expect(await ask(gate, pool)).toMatchObject({ granted: false, blockedBy: "concurrency" });
    expect(await gate.settle(alive, { requests: 1 })).toBe(true);
  });

  test("does not get back a lease that has ended", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ concurrency: 1 });
    const dead = permitOf(await ask(gate, pool, 1));
    await eventually("the slot", async () => (await ask(gate, pool, 60_000)).granted);
    await gate.progress([dead], 60_000);
    expect((await kept(redis, pool)).leases).toHaveLength(2);
  });
});

/** The rules once more, in plain TypeScript and on a clock that stands still. */
function plainGate(ready: number, concurrency: number) {
  const held = new Set<string>();
  let used = 0;
  return {
    held,
    acquire(lease: string): "granted" | "requests" | "concurrency" {
      if (held.has(lease)) return "granted";
      if (held.size >= concurrency) return "concurrency";
      if (used + 1 > ready) return "requests";
      used += 1;
      held.add(lease);
      return "granted";
    },
    settle(lease: string, requests: 0 | 1): boolean {
      if (!held.delete(lease)) return false;
      if (requests === 0) used = Math.max(0, used - 1);
      return true;
    },
  };
}

describe("many calls in one run of the script", () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant("acquire" as const), lease: fc.integer({ min: 1, max: 25 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("settle" as const),
        lease: fc.integer({ min: 1, max: 25 }),
        requests: fc.constantFrom<0 | 1>(0, 1),
      }),
    },
  );

  test("are decided as they would be one by one, and as the rules say", async () => {
    const { redis, gate } = await opened(services);
    // Six at once and one more in 1.1 s: in a round's few milliseconds the clock as good as stands still.
    const slow = { requestsPerMinute: 60, concurrency: 4 };
    const rounds = drawn(fc.array(step, { minLength: 1, maxLength: 60 }), 25);
    for (const [round, steps] of rounds.entries()) {
      const pools = { together: poolOf({ ...slow, id: `t.${round}` }), apart: poolOf({ ...slow, id: `a.${round}` }) };
      await rested(redis, pools.together);
      await rested(redis, pools.apart);
      const model = plainGate(6, 4);
      const wanted: unknown[] = [];
      const apart: unknown[] = [];
      const together: Promise<unknown>[] = [];
      const say = (verdict: Verdict) => (verdict.granted ? "granted" : verdict.blockedBy);
      // Kinds travel in scripts of their own, so a group is a run of one kind.
      let kind = steps[0]?.type;
      for (const one of steps) {
        const lease = `l${one.lease}`;
        if (one.type !== kind) await Promise.all(together);
        kind = one.type;
        if (one.type === "acquire") {
          wanted.push(model.acquire(lease));
          apart.push(say(await gate.acquire(pools.apart, lease, 60_000)));
          together.push(gate.acquire(pools.together, lease, 60_000).then(say));
        } else {
          wanted.push(model.settle(lease, one.requests));
          apart.push(await gate.settle({ leaseId: lease, pool: pools.apart.id }, { requests: one.requests }));
          together.push(gate.settle({ leaseId: lease, pool: pools.together.id }, { requests: one.requests }));
        }
      }
      const grouped = await Promise.all(together);
      const before = steps.findIndex((one) => one.type === "acquire");
      // Before the first question a pool is unknown to this process, and nothing can be settled.
      expect(grouped.slice(before)).toEqual(wanted.slice(before));
      expect(apart.slice(before)).toEqual(wanted.slice(before));
      expect((await redis.zrange(`millrace:{t.${round}}:leases`, 0, "-1")).sort()).toEqual([...model.held].sort());
    }
  });

  test("share the burst in the order in which they were asked", async () => {
    const { redis, gate } = await opened(services);
    const pool = poolOf({ requestsPerMinute: 200, concurrency: 1_000 });
    await rested(redis, pool);
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(gate, pool)));
    const granted = verdicts.map((verdict) => verdict.granted);
    expect(granted).toEqual([...Array(20).fill(true), ...Array(30).fill(false)]);
  });
});

test("with Redis away a question is answered by an error, so that nothing is sent", async () => {
  const gate = openAdmission("redis://127.0.0.1:1");
  onTestFinished(() => gate.close());
  await expect(ask(gate, poolOf({}))).rejects.toThrow();
});
