/** Wakes feeders: "this lane has new rows". A hint over pub/sub; feeders also look by themselves. */
import { openRedis } from "../runtime/redis-client.ts";

const channel = "millrace:bell";

export interface Bell {
  ring(lanes: readonly string[]): void;
  close(): void;
}

export function openBell(redisUrl: string): Bell {
  const redis = openRedis(redisUrl, { maxRetriesPerRequest: 1, connectionName: "millrace:bell" });
  redis.on("error", () => {});
  return {
    ring: (lanes) => {
      for (const lane of lanes) redis.publish(channel, lane).catch(() => {});
    },
    close: () => redis.disconnect(),
  };
}

/** Calls `heard` for every ring until closed. */
export function listenToBell(redisUrl: string, heard: (lane: string) => void): { close(): void } {
  const redis = openRedis(redisUrl, {
    maxRetriesPerRequest: null,
    connectionName: "millrace:bell-listener",
  });
  redis.on("error", () => {});
  redis.on("message", (_channel: string, lane: string) => heard(lane));
  redis.subscribe(channel).catch(() => {}); // ioredis subscribes again whenever it reconnects
  return { close: () => redis.disconnect() };
}
