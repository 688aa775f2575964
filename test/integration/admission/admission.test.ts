import fc from "fast-check";
import type { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Admission, openAdmission } from "../../../src/admission/admission.ts";
import type { Permit, Verdict } from "../../../src/admission/permit.ts";
import { rateFor } from "../../../src/admission/rate.ts";
import type { Pool } from "../../../src/config/deployment.ts";
import { drawn } from "../../support/drawn.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

const poolOf = (limits: Partial<Pool>): Pool => ({
  id: "anthropic.haiku",
  provider: "anthropic",
  requestsPerMinute: 1_000_000,
  concurrency: 1_000,
  ...limits,
});

async function opened(count = 1) {
  const url = await services.emptyRedis();
  const redis = await services.redis();
  const gates = Array.from({ length: count }, () => openAdmission(url));
  onTestFinished(async () => {
    await Promise.all(gates.map((gate) => gate.close()));
  });
  const [gate] = gates;
  if (gate === undefined) throw new Error("count must be positive");
  return { redis, gate, gates };
}

let leases = 0;
const ask = (gate: Admission, pool: Pool, leaseMs = 60_000): Promise<Verdict> => {
  leases += 1;
  return gate.acquire(pool, `lease-${leases}`, leaseMs);
};
const permitOf = (verdict: Verdict): Permit => {
  if (!verdict.granted) throw new Error(`refused by ${verdict.blockedBy}`);
  return verdict.permit;
};

/** Everything the gate keeps of a pool. */
const kept = async (redis: Redis, pool: Pool) => ({
  rates: await redis.hgetall(`millrace:{${pool.id}}:rates`),
  leases: await redis.zrange(`millrace:{${pool.id}}:leases`, 0, "-1", "WITHSCORES"),
});

/** Redis' clock in milliseconds: the gate's. */
const timeOf = async (redis: Redis): Promise<number> => {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
};

/** State as after long rest: a full burst. Three seconds' worth of a cold pool is another test's matter. */
const rested = (redis: Redis, pool: Pool) => redis.hset(`millrace:{${pool.id}}:rates`, { lt: 1, a1: 1 });

describe("the rate", () => {
  test("lets a burst go at once and then says exactly how long to wait", async () => {
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gates } = await opened(4);
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
    const { redis, gate } = await opened();
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
    const { gate } = await opened();
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
    const { gate } = await opened();
    const pool = poolOf({ requestsPerMinute: 10 });
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => ask(gate, pool)));
    expect(verdicts.map((verdict) => verdict.granted)).toEqual([true, false, false, false, false]);
  });

  test("of one pool is none of another's business", async () => {
    const { gate } = await opened();
    const [one, other] = [poolOf({ id: "a.x", requestsPerMinute: 1 }), poolOf({ id: "a.y", requestsPerMinute: 1 })];
    expect((await ask(gate, one)).granted).toBe(true);
    expect((await ask(gate, one)).granted).toBe(false);
    expect((await ask(gate, other)).granted).toBe(true);
  });
});

describe("a refusal", () => {
  test("changes nothing, by rate or by concurrency", async () => {
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
    const pool = poolOf({});
    const permit = permitOf(await ask(gate, pool));
    const settled = await Promise.all(Array.from({ length: 10 }, () => gate.settle(permit, { requests: 1 })));
    expect(settled.filter(Boolean)).toHaveLength(1);
    expect((await kept(redis, pool)).leases).toEqual([]);
  });

  test("that was used stays charged, one that was not is given back", async () => {
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gates } = await opened(16);
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
    const { gate } = await opened();
    const pool = poolOf({ concurrency: 2 });
    const alive = permitOf(await ask(gate, pool, 150));
    await ask(gate, pool, 150);
    await gate.progress([alive], 60_000);
    await eventually("the dead one's slot", async () => (await ask(gate, pool, 60_000)).granted);
    expect(await ask(gate, pool)).toMatchObject({ granted: false, blockedBy: "concurrency" });
    expect(await gate.settle(alive, { requests: 1 })).toBe(true);
  });

  test("does not get back a lease that has ended", async () => {
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
    const { redis, gate } = await opened();
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
