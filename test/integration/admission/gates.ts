/** Gates on a test's own Redis, and a look at what they keep there. */
import type { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type Admission, openAdmission } from "../../../src/admission/admission.ts";
import type { Permit, Verdict } from "../../../src/admission/permit.ts";
import type { Pool } from "../../../src/config/deployment.ts";
import type { TestServices } from "../../support/services.ts";

export const poolOf = (limits: Partial<Pool>): Pool => ({
  id: "anthropic.haiku",
  provider: "anthropic",
  requestsPerMinute: 1_000_000,
  concurrency: 1_000,
  ...limits,
});

export async function opened(services: TestServices, count = 1) {
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
export const ask = (gate: Admission, pool: Pool, leaseMs = 60_000): Promise<Verdict> => {
  leases += 1;
  return gate.acquire(pool, `lease-${leases}`, leaseMs);
};
export const permitOf = (verdict: Verdict): Permit => {
  if (!verdict.granted) throw new Error(`refused by ${verdict.blockedBy}`);
  return verdict.permit;
};

/** Everything the gate keeps of a pool. */
export const kept = async (redis: Redis, pool: Pool) => ({
  rates: await redis.hgetall(`millrace:{${pool.id}}:rates`),
  leases: await redis.zrange(`millrace:{${pool.id}}:leases`, 0, "-1", "WITHSCORES"),
});

/** Redis' clock in milliseconds: the gate's. */
export const timeOf = async (redis: Redis): Promise<number> => {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
};

/** State as after long rest: a full burst. Three seconds' worth of a cold pool is another test's matter. */
export const rested = (redis: Redis, pool: Pool) => redis.hset(`millrace:{${pool.id}}:rates`, { lt: 1, a1: 1 });
