/**
 * Reads any number of answers along over two connections: one hears what is said, the other looks at what was said before.
 * What was not heard (Redis was away, the reader was slow) is looked up, so a reader misses nothing that Redis still has.
 */
import { openRedis, type RedisClient } from "../runtime/redis-client.ts";
import { redisTrouble } from "../runtime/redis-patience.ts";
import {
  channelOf,
  isAfter,
  isNext,
  pieceIn,
  pieceOf,
  requestOfChannel,
  type StreamPiece,
  streamKeyOf,
} from "./piece.ts";

export interface StreamHub {
  /**
   * Pieces after `from` (`0`: from the start) as they come. When `over` aborts, what was said until then is still told. A Redis
   * that is away ends nothing: the result does not depend on it.
   */
  pieces(requestId: string, from: string, over: AbortSignal): AsyncGenerator<StreamPiece>;
  /** A piece that this process said itself, told to its readers at once. */
  hear(requestId: string, piece: StreamPiece): void;
  close(): void;
}

/** What nobody told is looked for this often. */
const lookMs = 2_000;
/** After the end of a request: how long its last pieces may still be on their way. */
const lingerMs = 50;
const mostAtOnce = 500;
/** A reader that is so far behind looks things up again. */
const mostHeld = 2_000;

export function openStreamHub(redisUrl: string): StreamHub {
  const readers = new Map<string, Set<Reader>>();
  let connections: Connections | undefined;
  const connect = (): Connections => {
    connections ??= openConnections(redisUrl, hear, () => {
      for (const some of readers.values()) for (const reader of some) reader.isBehind();
    });
    return connections;
  };

  function hear(requestId: string, piece: StreamPiece): void {
    for (const reader of readers.get(requestId) ?? []) reader.hears(piece);
  }

  function join(requestId: string): Reader {
    const reader = openReader();
    const others = readers.get(requestId);
    if (others !== undefined) others.add(reader);
    else {
      readers.set(requestId, new Set([reader]));
      // What is said before Redis has noted the wish is looked up then.
      connect()
        .hearing.subscribe(channelOf(requestId))
        .then(() => reader.isBehind())
        .catch(() => {});
    }
    return reader;
  }

  function leave(requestId: string, reader: Reader): void {
    const some = readers.get(requestId);
    some?.delete(reader);
    if (some?.size !== 0) return;
    readers.delete(requestId);
    connections?.hearing.unsubscribe(channelOf(requestId)).catch(() => {});
  }

  return {
    hear,
    async *pieces(requestId, from, over) {
      const reader = join(requestId);
      const lookUp = () => look(connect().looking, requestId, last);
      let last = from;
      let ended = false;
      const isNew = (piece: StreamPiece): boolean => {
        if (!isAfter(piece.id, last)) return false;
        last = piece.id;
        ended = piece.said === "end";
        return true;
      };
      try {
        for (;;) {
          const isOver = over.aborted;
          const heard = reader.take();
          const said = heard ?? (await lookUp());
          if (said.length === mostAtOnce) reader.isBehind();
          for (const piece of said) {
            // A piece between them was said before this reader was heard of.
            if (heard !== undefined && !isNext(piece.id, last)) yield* (await lookUp()).filter(isNew);
            if (isNew(piece)) yield piece;
          }
          if (said.length > 0) continue;
          if (isOver && (ended || !(await reader.news(lingerMs, undefined)))) return;
          if (!isOver && !(await reader.news(lookMs, over))) reader.isBehind();
        }
      } finally {
        leave(requestId, reader);
      }
    },
    close() {
      connections?.hearing.disconnect();
      connections?.looking.disconnect();
    },
  };
}

interface Connections {
  readonly hearing: RedisClient;
  readonly looking: RedisClient;
}

function openConnections(redisUrl: string, hear: StreamHub["hear"], isBack: () => void): Connections {
  const hearing = openRedis(redisUrl, { maxRetriesPerRequest: null, connectionName: "millrace:hearing" });
  const looking = openRedis(redisUrl, {
    commandTimeout: lookMs,
    maxRetriesPerRequest: 1,
    enableAutoPipelining: true,
    connectionName: "millrace:looking",
  });
  hearing.on("error", () => {});
  looking.on("error", () => {});
  hearing.on("ready", isBack);
  hearing.on("message", (channel: string, message: string) => hear(requestOfChannel(channel), pieceOf(message)));
  return { hearing, looking };
}

async function look(redis: RedisClient, requestId: string, last: string): Promise<readonly StreamPiece[]> {
  try {
    const found = await redis.xrange(streamKeyOf(requestId), `(${last}`, "+", "COUNT", mostAtOnce);
    return found.map(([id, fields]) => pieceIn(id, fields));
  } catch (error) {
    if (redisTrouble(error) === undefined) throw error;
    return [];
  }
}

/** What one reader has heard and not yet taken. */
interface Reader {
  hears(piece: StreamPiece): void;
  /** It may have missed something. */
  isBehind(): void;
  /** What it heard; undefined: look it up. */
  take(): readonly StreamPiece[] | undefined;
  /** Waits until there is something to take or to look up, `maxMs` are over, or `over` aborts: false, unless there is. */
  news(maxMs: number, over: AbortSignal | undefined): Promise<boolean>;
}

function openReader(): Reader {
  let heard: StreamPiece[] = [];
  let behind = true;
  let wake: (() => void) | undefined;
  return {
    hears(piece) {
      heard.push(piece);
      if (heard.length > mostHeld) {
        heard = [];
        behind = true;
      }
      wake?.();
    },
    isBehind() {
      behind = true;
      wake?.();
    },
    take() {
      if (behind) {
        behind = false;
        return undefined;
      }
      const taken = heard;
      heard = [];
      return taken;
    },
    news(maxMs, over) {
      if (behind || heard.length > 0) return Promise.resolve(true);
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          over?.removeEventListener("abort", done);
          wake = undefined;
          resolve(behind || heard.length > 0);
        };
        const timer = setTimeout(done, maxMs);
        over?.addEventListener("abort", done, { once: true });
        wake = done;
        if (over?.aborted === true) done();
      });
    },
  };
}
