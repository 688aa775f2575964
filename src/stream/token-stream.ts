/**
 * The answer of a running request as it comes: a Redis stream per request, trimmed and expiring. It is a view, not the
 * record: the result in the ledger is. It goes to Redis only for requests whose caller asked to read along.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Delta, deltaSchema } from "../request/delta.ts";
import { openRedis } from "../runtime/redis-client.ts";
import { redisTrouble } from "../runtime/redis-patience.ts";

const keyOf = (requestId: string): string => `millrace:stream:{${requestId}}`;
const keepSeconds = 600;
/** A read waits for a fraction of this. */
const longestReadMs = 2_000;

export interface StreamWriter {
  /** Starts over: a new attempt's answer replaces that of the one before. */
  begin(requestId: string): void;
  delta(requestId: string, delta: Delta): void;
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
    delta: (requestId, delta) =>
      delta.type === "text" ? add(requestId, "text", delta.text) : add(requestId, "delta", JSON.stringify(delta)),
    close: () => redis.disconnect(),
  };
}

export interface StreamPiece {
  readonly id: string;
  /** Absent: the answer starts over. */
  readonly delta: Delta | undefined;
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
      return (answer?.[0]?.[1] ?? []).map(([id, [, type = "", , text = ""]]) => ({ id, delta: deltaOf(type, text) }));
    },
    close: () => redis.disconnect(),
  };
}

function deltaOf(type: string, text: string): Delta | undefined {
  if (type === "begin") return undefined;
  return type === "delta" ? deltaSchema.parse(JSON.parse(text)) : { type: "text", text };
}
