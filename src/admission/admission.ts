/**
 * The gate every provider call passes. The decision is one Lua script on Redis' clock; this file only words it.
 * Redis away: `acquire` rejects, so nothing is sent (fail closed).
 */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Pool } from "../config/deployment.ts";
import type { Actual, Permit, Verdict } from "./permit.ts";
import { type Rate, rateFor } from "./rate.ts";

export interface Admission {
  /** Asking twice with one lease id is granted once. `leaseMs` outlives the call: a lost worker's slot comes back then. */
  acquire(pool: Pool, leaseId: string, leaseMs: number): Promise<Verdict>;
  /** True when this settled the permit; false when it was settled or had expired before. */
  settle(permit: Permit, actual: Actual): Promise<boolean>;
  /** Extends leases of calls under way. */
  progress(permits: readonly Permit[], leaseMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Scripts {
  acquire(...args: (string | number)[]): Promise<[number, number, number, number]>;
  settle(...args: (string | number)[]): Promise<number>;
  progress(...args: (string | number)[]): Promise<number>;
}

/** A slot may free at any moment, so its wait has no exact time: look again after this. */
const concurrencyLookMs = 50;

const script = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");

export function openAdmission(redisUrl: string): Admission {
  const redis = new Redis(redisUrl, {
    enableAutoPipelining: true,
    maxRetriesPerRequest: 2,
    connectionName: "millrace:admission",
  });
  redis.on("error", () => {}); // every command rejects with the reason; an unheard event would end the process
  redis.defineCommand("acquire", { numberOfKeys: 3, lua: script("acquire-3") });
  redis.defineCommand("settle", { numberOfKeys: 3, lua: script("settle-3") });
  redis.defineCommand("progress", { numberOfKeys: 1, lua: script("progress-1") });
  const scripts = redis as unknown as Scripts; // defineCommand adds these methods at run time
  const rates = new Map<string, readonly Rate[]>();
  const ratesOf = (pool: string): readonly Rate[] => rates.get(pool) ?? [];

  return {
    async acquire(pool, leaseId, leaseMs) {
      if (!rates.has(pool.id)) rates.set(pool.id, [rateFor("requests", pool.requestsPerMinute)]);
      const dimensions = ratesOf(pool.id);
      const [granted, waitUs, by, nextUs] = await scripts.acquire(
        ...keysOf(pool.id),
        leaseId,
        leaseMs,
        pool.concurrency,
        dimensions.length,
        ...dimensions.flatMap((rate) => [rate.perUnitUs, rate.burst, 1]),
      );
      if (granted === 1) return { granted: true, permit: { leaseId, pool: pool.id }, nextMs: nextUs / 1000 };
      if (by === -1) return { granted: false, waitMs: concurrencyLookMs, blockedBy: "concurrency" };
      return { granted: false, waitMs: waitUs / 1000, blockedBy: dimensions[by - 1]?.name ?? "unknown" };
    },
    async settle(permit, actual) {
      const dimensions = ratesOf(permit.pool);
      const settled = await scripts.settle(
        ...keysOf(permit.pool),
        permit.leaseId,
        dimensions.length,
        ...dimensions.flatMap((rate) => [rate.perUnitUs, actual.requests]),
      );
      return settled === 1;
    },
    async progress(permits, leaseMs) {
      const byPool = new Map<string, string[]>();
      for (const permit of permits) byPool.set(permit.pool, [...(byPool.get(permit.pool) ?? []), permit.leaseId]);
      await Promise.all([...byPool].map(([pool, held]) => scripts.progress(keysOf(pool)[1], leaseMs, ...held)));
    },
    async close() {
      redis.disconnect();
    },
  };
}

/** One hash tag per pool: all keys of a decision live in one slot of a Redis Cluster. */
const keysOf = (pool: string) =>
  [`millrace:{${pool}}:rates`, `millrace:{${pool}}:leases`, `millrace:{${pool}}:costs`] as const;
