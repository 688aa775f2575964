/**
 * The answer of a running request as it comes: a Redis stream per request, trimmed and expiring, and a channel for who reads
 * along now. It is a view, not the record: the result in the ledger is. It goes to Redis only for requests whose caller
 * asked to read along.
 */
import type { Delta } from "../request/delta.ts";
import { openRedis } from "../runtime/redis-client.ts";
import { channelOf, fieldsOf, messageOf, type StreamPiece, streamKeyOf } from "./piece.ts";

const keepSeconds = 600;
const keepAgainMs = 60_000;
const mostPieces = 10_000;

export interface StreamWriter {
  /** Starts over: the answer of a later dispatch replaces that of the one before. */
  begin(requestId: string, dispatchNo: number): Answering;
  close(): void;
}

export interface Answering {
  delta(delta: Delta): void;
  /** Its call is over. */
  end(): void;
}

/** `heard` is told of each piece at once, for readers in this process. */
export function openStreamWriter(
  redisUrl: string,
  heard: (requestId: string, piece: StreamPiece) => void = () => {},
): StreamWriter {
  const redis = openRedis(redisUrl, {
    enableAutoPipelining: true,
    maxRetriesPerRequest: 1,
    connectionName: "millrace:stream",
  });
  redis.on("error", () => {});
  return {
    begin(requestId, dispatchNo) {
      const key = streamKeyOf(requestId);
      let count = 0;
      let keptAt = 0;
      const say = (said: StreamPiece["said"]) => {
        const piece = { id: `${dispatchNo}-${count}`, said };
        count += 1;
        heard(requestId, piece);
        redis.xadd(key, "MAXLEN", "~", mostPieces, piece.id, ...fieldsOf(said)).catch(() => {});
        redis.publish(channelOf(requestId), messageOf(piece)).catch(() => {});
        if (said !== "end" && Date.now() - keptAt < keepAgainMs) return;
        keptAt = Date.now();
        redis.expire(key, keepSeconds).catch(() => {});
      };
      say("begin");
      return { delta: say, end: () => say("end") };
    },
    close: () => redis.disconnect(),
  };
}
