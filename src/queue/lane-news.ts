/** Says to workers which queue has a new job, so that they need not listen to all of them. A hint: workers look by themselves, too. */
import { openRedis, type RedisClient } from "../runtime/redis-client.ts";

const channel = "millrace:lanes";

/** Asks for no answer: who misses it looks later. */
export const tellOfJobs = (redis: RedisClient, queueName: string): void => {
  redis.publish(channel, queueName).catch(() => {});
};

/** Calls `heard` with the name of a queue until closed; `listening` once it can hear. */
export function listenForJobs(
  redisUrl: string,
  heard: (queueName: string) => void,
  listening: () => void,
): { close(): void } {
  const redis = openRedis(redisUrl, { maxRetriesPerRequest: null, connectionName: "millrace:lanes-listener" });
  redis.on("error", () => {});
  redis.on("message", (_channel: string, queueName: string) => heard(queueName));
  redis.subscribe(channel).then(listening, () => {}); // ioredis subscribes again whenever it reconnects
  return { close: () => redis.disconnect() };
}
