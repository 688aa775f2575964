/** Looks at pools without touching them: unlike the gate's scripts it writes nothing, so anybody may look as often as he likes. */
import type { Pool } from "../config/pool.ts";
import { openRedis, type RedisClient } from "../runtime/redis-client.ts";
import { type KeptPool, type PoolStatus, poolFields, poolNowUs, poolStatus } from "./pool-status.ts";
import { keysOf } from "./scripts.ts";

export interface PoolLook {
  /** Of every pool, by its id; two round trips in all. Rejects when Redis is away. */
  status(pools: readonly Pool[]): Promise<ReadonlyMap<string, PoolStatus>>;
  close(): void;
}

export function openPoolLook(redisUrl: string): PoolLook {
  const redis = openRedis(redisUrl, {
    maxRetriesPerRequest: 2,
    commandTimeout: 5_000,
    connectionName: "millrace:pools",
    lazyConnect: true,
  });
  redis.on("error", () => {}); // every command rejects with the reason; an unheard event would end the process
  return {
    async status(pools) {
      const found = await Promise.all(byProvider(pools).map((own) => statusOf(redis, own)));
      return new Map(found.flat().map((status) => [status.pool, status]));
    },
    close() {
      redis.disconnect();
    },
  };
}

/** The keys of one provider are on one node of a cluster. */
const byProvider = (pools: readonly Pool[]): readonly (readonly Pool[])[] =>
  [...new Set(pools.map(({ provider }) => provider))].map((id) => pools.filter(({ provider }) => provider === id));

async function statusOf(redis: RedisClient, pools: readonly Pool[]): Promise<PoolStatus[]> {
  const kept = await readPools(redis, pools);
  const question = redis.pipeline();
  for (const [at, pool] of pools.entries()) {
    // Leases that have ended stay until somebody asks for the next.
    question.zcount(keysOf(pool.provider, pool.id, "").leases, poolNowUs(kept[at] ?? nothing), "+inf");
  }
  const leases = await answersOf(question);
  return pools.map((pool, at) => poolStatus(pool, { ...(kept[at] ?? nothing), leases: Number(leases[at]) }));
}

const nothing: KeptPool = { pool: {}, learned: {}, leases: 0, time: [0, 0] };

async function readPools(redis: RedisClient, pools: readonly Pool[]): Promise<KeptPool[]> {
  const question = redis.pipeline().time();
  for (const pool of pools) {
    const keys = keysOf(pool.provider, pool.id, "");
    question.hmget(keys.pool, ...poolFields(pool.limits.length)).hgetall(keys.learned);
  }
  const [time, ...rest] = await answersOf(question);
  const [seconds, micros] = time as [number, number];
  return pools.map(({ limits }, at) => {
    const values = rest[2 * at] as (string | null)[];
    return {
      pool: Object.fromEntries(poolFields(limits.length).map((name, field) => [name, values[field] ?? null])),
      learned: rest[2 * at + 1] as Record<string, string>,
      leases: 0,
      time: [Number(seconds), Number(micros)],
    };
  });
}

async function answersOf(question: ReturnType<RedisClient["pipeline"]>): Promise<unknown[]> {
  const answers = (await question.exec()) ?? [];
  return answers.map(([error, answer]) => {
    if (error !== null) throw error;
    return answer; // the commands above say what they answer
  });
}
