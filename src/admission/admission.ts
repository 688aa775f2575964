/**
 * The gate every provider call passes. The decision is one Lua script on Redis' clock; this file only words it.
 * Redis away: `acquire` rejects, so nothing is sent (fail closed).
 */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Pool } from "../config/deployment.ts";
import { microBatch } from "../runtime/micro-batch.ts";
import type { Actual, Permit, Verdict } from "./permit.ts";
import { type Rate, rateFor } from "./rate.ts";

export interface Admission {
  /**
   * Asking twice with one lease id is granted once. `leaseMs` outlives the call: a lost worker's slot comes back then.
   * `share` is how far this call may fill the pool, in (0, 1]; see `shareFor`.
   */
  acquire(pool: Pool, leaseId: string, leaseMs: number, share?: number): Promise<Verdict>;
  /** True when this settled the permit; false when it was settled or had expired before. */
  settle(permit: Permit, actual: Actual): Promise<boolean>;
  /** Extends leases of calls under way. */
  progress(permits: readonly Permit[], leaseMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Scripts {
  acquire(...args: (string | number)[]): Promise<number[]>;
  settle(...args: (string | number)[]): Promise<number[]>;
  progress(...args: (string | number)[]): Promise<number>;
}

/** Every call reserves one request. */
const requestCost = 1;

/** A slot may free at any moment, so its wait has no exact time: look again after this. */
const concurrencyLookMs = 50;

const script = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");

export function openAdmission(redisUrl: string): Admission {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 2, connectionName: "millrace:admission" });
  redis.on("error", () => {}); // every command rejects with the reason; an unheard event would end the process
  redis.defineCommand("acquire", { numberOfKeys: 2, lua: script("acquire-2") });
  redis.defineCommand("settle", { numberOfKeys: 2, lua: script("settle-2") });
  redis.defineCommand("progress", { numberOfKeys: 1, lua: script("progress-1") });
  const scripts = redis as unknown as Scripts; // defineCommand adds these methods at run time
  const doors = new Map<string, Door>();
  const doorOf = (pool: Pool | string): Door | undefined => doors.get(typeof pool === "string" ? pool : pool.id);

  return {
    acquire(pool, leaseId, leaseMs, share = 1) {
      const door = doorOf(pool) ?? openDoor(scripts, pool, leaseMs);
      doors.set(pool.id, door);
      return door.acquire({ leaseId, share });
    },
    settle: async (permit, actual) => (await doorOf(permit.pool)?.settle({ permit, actual })) ?? false,
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

interface Door {
  readonly acquire: (ask: { readonly leaseId: string; readonly share: number }) => Promise<Verdict>;
  readonly settle: (end: { readonly permit: Permit; readonly actual: Actual }) => Promise<boolean>;
}

/** Calls of one pool that come at the same moment share a script run. */
function openDoor(scripts: Scripts, pool: Pool, leaseMs: number): Door {
  const rates = [rateFor("requests", pool.requestsPerMinute)];
  const keys = keysOf(pool.id);
  return {
    acquire: microBatch({
      maxItems: 200,
      lines: 1,
      send: async (asks) => {
        const shape = [
          leaseMs,
          pool.concurrency,
          rates.length,
          ...rates.flatMap((rate) => [rate.perUnitUs, rate.burst]),
        ];
        const calls = asks.flatMap(({ leaseId, share }) => [leaseId, share, requestCost]);
        const answers = await scripts.acquire(...keys, ...shape, ...calls);
        return asks.map(({ leaseId }, at) =>
          verdictFrom(answers.slice(at * 4, at * 4 + 4), { leaseId, pool: pool.id }, rates),
        );
      },
    }),
    settle: microBatch({
      maxItems: 200,
      lines: 1,
      send: async (ends) => {
        const shape = [rates.length, ...rates.map((rate) => rate.perUnitUs)];
        const answers = await scripts.settle(
          ...keys,
          ...shape,
          ...ends.flatMap(({ permit, actual }) => [permit.leaseId, actual.requests - requestCost]),
        );
        return answers.map((settled) => settled === 1);
      },
    }),
  };
}

function verdictFrom(answer: readonly number[], permit: Permit, rates: readonly Rate[]): Verdict {
  const [granted = 0, waitUs = 0, by = 0, nextUs = 0] = answer;
  if (granted === 1) return { granted: true, permit, nextMs: nextUs / 1000 };
  if (by === -1) return { granted: false, waitMs: concurrencyLookMs, blockedBy: "concurrency" };
  return { granted: false, waitMs: waitUs / 1000, blockedBy: rates[by - 1]?.name ?? "unknown" };
}

/** One hash tag per pool: all keys of a decision live in one slot of a Redis Cluster. */
const keysOf = (pool: string) => [`millrace:{${pool}}:rates`, `millrace:{${pool}}:leases`] as const;
