/** The gate's Lua scripts on one connection to Redis. What several of them need is kept once, in lua/include. */
import { readFileSync } from "node:fs";
import { infoOf, openRedis, type RedisClient } from "../runtime/redis-client.ts";
import { isInfoRefused, runIdOf } from "../runtime/redis-patience.ts";

type Argument = string | number;

export interface Scripts {
  acquire(...args: Argument[]): Promise<number[]>;
  settle(...args: Argument[]): Promise<number[]>;
  progress(...args: Argument[]): Promise<number>;
  seed(...args: Argument[]): Promise<number>;
  feedback(...args: Argument[]): Promise<number[]>;
  charge(...args: Argument[]): Promise<number[]>;
}

/** The scripts with the number of their keys, as their files are named. */
const names = { acquire: 6, settle: 5, progress: 5, seed: 2, feedback: 5, charge: 1 } as const;

const read = (path: string): string => readFileSync(new URL(`./lua/${path}.lua`, import.meta.url), "utf8");

/** Functions of an include are local, so a script carries its own copy. */
const source = (name: string): string =>
  read(name).replace(/^--@include (\w+)$/gm, (_line, include: string) => read(`include/${include}`));

export interface OpenedScripts {
  readonly redis: RedisClient;
  readonly scripts: Scripts;
  /**
   * The id of the Redis process that holds `key`; it changes with a restart and a failover. Empty where Redis does not tell.
   * Rejects when Redis is away.
   */
  serverId(key: string): Promise<string>;
}

export function openScripts(redisUrl: string): OpenedScripts {
  const redis = openRedis(redisUrl, { maxRetriesPerRequest: 2, connectionName: "millrace:admission" });
  redis.on("error", () => {}); // every command rejects with the reason; an unheard event would end the process
  const ids = new Map<string, Promise<string>>();
  const forget = () => ids.clear();
  // The last two are a cluster's: it found out who holds which keys, and lost a node.
  for (const event of ["close", "refresh", "-node"]) redis.on(event, forget);
  for (const [name, numberOfKeys] of Object.entries(names)) {
    redis.defineCommand(name, { numberOfKeys, lua: source(`${name}-${numberOfKeys}`) });
  }
  return {
    redis,
    scripts: redis as unknown as Scripts, // defineCommand adds these methods at run time
    serverId(key) {
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = infoOf(redis, key).then(runIdOf, unlessRefused);
      ids.set(key, id);
      id.catch(forget);
      return id;
    },
  };
}

function unlessRefused(error: unknown): string {
  if (isInfoRefused(error)) return "";
  throw error;
}

/** All keys of a provider share a hash tag: one decision touches its pool, a circuit and the credential. */
export const keysOf = (provider: string, pool: string, deployment: string) => {
  const tag = `millrace:{${provider}}`;
  return {
    pool: `${tag}:pool:${pool}`,
    leases: `${tag}:leases:${pool}`,
    costs: `${tag}:costs:${pool}`,
    booked: `${tag}:booked:${pool}`,
    learned: `${tag}:learned:${pool}`,
    circuit: `${tag}:circuit:${deployment}`,
    provider: `${tag}:provider`,
  };
};
