/** Tells workers at once that a request was cancelled. A hint: they notice it in any case when they renew its lease. */
import { openRedis, type RedisClient } from "../runtime/redis-client.ts";

const channel = "millrace:cancelled";

export interface Cancellations {
  tell(requestId: string): void;
  /** Ends with the call of what it returns. */
  listen(heard: (requestId: string) => void): () => void;
  close(): void;
}

export function openCancellations(redisUrl: string): Cancellations {
  const listeners = new Set<(requestId: string) => void>();
  const hear = (requestId: string) => {
    for (const heard of listeners) heard(requestId);
  };
  let telling: RedisClient | undefined;
  let hearing: RedisClient | undefined;
  const open = (connectionName: string, maxRetriesPerRequest: number | null) => {
    const redis = openRedis(redisUrl, { maxRetriesPerRequest, connectionName });
    redis.on("error", () => {});
    return redis;
  };
  return {
    tell(requestId) {
      hear(requestId);
      telling ??= open("millrace:cancelling", 1);
      telling.publish(channel, requestId).catch(() => {});
    },
    listen(heard) {
      listeners.add(heard);
      if (hearing === undefined) {
        hearing = open("millrace:cancellations", null);
        hearing.on("message", (_channel: string, requestId: string) => hear(requestId));
        hearing.subscribe(channel).catch(() => {}); // ioredis subscribes again whenever it reconnects
      }
      return () => void listeners.delete(heard);
    },
    close() {
      telling?.disconnect();
      hearing?.disconnect();
    },
  };
}
