/** Says to workers which queue has a new job, so that they need not listen to all of them. A hint: workers look by themselves, too. */
import { openRedis, type RedisClient } from "../runtime/redis-client.ts";

const channel = "millrace:lanes";

/** Asks for no answer: who misses it looks later. */
export const tellOfJobs = (redis: RedisClient, queueName: string): void => {
  redis.publish(channel, queueName).catch(() => {});
};

export interface Listening {
  /** Of its connection: see presence.ts. */
  readonly connectionName: string;
  readonly heard: (queueName: string) => void;
  /** From now on it hears. */
  readonly listening: () => void;
}

/** Calls `heard` with the name of a queue until closed. */
export function listenForJobs(redisUrl: string, { connectionName, heard, listening }: Listening): { close(): void } {
  const redis = openRedis(redisUrl, { maxRetriesPerRequest: null, connectionName });
  redis.on("error", () => {});
  redis.on("message", (_channel: string, queueName: string) => heard(queueName));
  redis.subscribe(channel).then(listening, () => {}); // ioredis subscribes again whenever it reconnects
  return { close: () => redis.disconnect() };
}
