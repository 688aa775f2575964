/**
 * Who leads: a lease per name in Redis. Correctness never depends on it (every move of a row is a compare-and-set); it
 * keeps the order fair and the work done once. A leader that dies is replaced within `leaseMs`.
 */
import { randomUUID } from "node:crypto";
import { openRedis } from "../runtime/redis-client.ts";

const leaseMs = 3_000;

export interface Leadership {
  /** True when this process leads `name` for the next moments; asks again for the lease or extends it. */
  leads(name: string): Promise<boolean>;
  /** Gives everything back at once, so that nobody waits for the lease to end. */
  resign(): Promise<void>;
}

const holdLua = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const resignLua = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

export function openLeadership(redisUrl: string): Leadership {
  const redis = openRedis(redisUrl, {
    commandTimeout: leaseMs,
    maxRetriesPerRequest: 1,
    connectionName: "millrace:leadership",
  });
  redis.on("error", () => {});
  const me = randomUUID();
  const held = new Set<string>();
  const keyOf = (name: string) => `millrace:leader:{${name}}`;
  return {
    async leads(name) {
      const leading = (await redis.eval(holdLua, 1, keyOf(name), me, leaseMs)) === 1;
      if (leading) held.add(name);
      else held.delete(name);
      return leading;
    },
    async resign() {
      await Promise.allSettled([...held].map((name) => redis.eval(resignLua, 1, keyOf(name), me)));
      redis.disconnect();
    },
  };
}
