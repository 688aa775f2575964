/** Tells whoever waits that a request ended. A hint, never the answer: the ledger has that, and waiters look there too. */
import { openRedis } from "../runtime/redis-client.ts";

const channel = "millrace:ended";

export interface ReplySender {
  ended(requestId: string): void;
  close(): void;
}

export function openReplySender(redisUrl: string): ReplySender {
  const redis = openRedis(redisUrl, {
    enableAutoPipelining: true,
    maxRetriesPerRequest: 1,
    connectionName: "millrace:reply",
  });
  redis.on("error", () => {});
  return {
    ended: (requestId) => {
      redis.publish(channel, requestId).catch(() => {}); // the waiter's own look at the ledger covers a lost hint
    },
    close: () => redis.disconnect(),
  };
}

export interface ReplyReceiver {
  /** Resolves at the hint or after `maxMs`, whichever is first. */
  wait(requestId: string, maxMs: number): Promise<void>;
  close(): void;
}

export async function openReplyReceiver(redisUrl: string): Promise<ReplyReceiver> {
  const redis = openRedis(redisUrl, {
    maxRetriesPerRequest: null,
    connectionName: "millrace:replies",
  });
  redis.on("error", () => {});
  const waiting = new Map<string, Set<() => void>>();
  redis.on("message", (_channel: string, requestId: string) => {
    for (const wake of waiting.get(requestId) ?? []) wake();
  });
  await redis.subscribe(channel);
  return {
    wait: (requestId, maxMs) =>
      new Promise((resolve) => {
        const wakers = waiting.get(requestId) ?? new Set();
        waiting.set(requestId, wakers);
        const done = () => {
          clearTimeout(timer);
          wakers.delete(done);
          if (wakers.size === 0) waiting.delete(requestId);
          resolve();
        };
        const timer = setTimeout(done, maxMs);
        wakers.add(done);
      }),
    close: () => redis.disconnect(),
  };
}
