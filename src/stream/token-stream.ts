/**
 * The text of a running request as it comes: a Redis stream per request, trimmed and expiring. It is a view, not the
 * record: the result in the ledger is. Text goes to Redis only for requests whose caller asked to read along.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { openRedis } from "../runtime/redis-client.ts";
import { redisTrouble } from "../runtime/redis-patience.ts";

const keyOf = (requestId: string): string => `millrace:stream:{${requestId}}`;
const keepSeconds = 600;
/** A read waits for a fraction of this. */
const longestReadMs = 2_000;

export interface StreamWriter {
  /** Starts over: a new attempt's text replaces that of the one before. */
  begin(requestId: string): void;
  text(requestId: string, text: string): void;
  close(): void;
}

export function openStreamWriter(redisUrl: string): StreamWriter {
  const redis = openRedis(redisUrl, {
    enableAutoPipelining: true,
    maxRetriesPerRequest: 1,
    connectionName: "millrace:stream",
  });
  redis.on("error", () => {});
  const add = (requestId: string, type: string, text: string) => {
    const key = keyOf(requestId);
    redis.xadd(key, "MAXLEN", "~", 10_000, "*", "type", type, "text", text).catch(() => {});
    redis.expire(key, keepSeconds).catch(() => {});
  };
  return {
    begin: (requestId) => add(requestId, "begin", ""),
    text: (requestId, text) => add(requestId, "text", text),
    close: () => redis.disconnect(),
  };
}

export interface StreamPiece {
  readonly id: string;
  readonly type: "begin" | "text";
  readonly text: string;
}

export interface StreamReader {
  /**
   * Pieces after `lastId` (`0` = from the start), waiting up to `waitMs` for the first. Empty: nothing came, or Redis is
   * away; the result does not depend on it.
   */
  read(requestId: string, lastId: string, waitMs: number): Promise<StreamPiece[]>;
  close(): void;
}

export function openStreamReader(redisUrl: string): StreamReader {
  const redis = openRedis(redisUrl, {
    commandTimeout: longestReadMs,
    maxRetriesPerRequest: 1,
    connectionName: "millrace:reader",
  });
  redis.on("error", () => {});
  return {
    async read(requestId, lastId, waitMs) {
      const answer = await redis
        .xread("COUNT", 500, "BLOCK", waitMs, "STREAMS", keyOf(requestId), lastId)
        .catch(async (error: unknown) => {
          if (redisTrouble(error) === undefined) throw error;
          await sleep(waitMs);
          return null;
        });
      return (answer?.[0]?.[1] ?? []).map(([id, fields]) => ({
        id,
        type: fields[1] === "begin" ? "begin" : "text",
        text: fields[3] ?? "",
      }));
    },
    close: () => redis.disconnect(),
  };
}
