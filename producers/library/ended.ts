/**
 * Waiting for the end of requests. A hint over Redis wakes the waiter at once; what counts is the ledger, which is looked
 * at every second in any case, so a lost hint costs a second and a Redis that is away costs nothing else.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type RequestView, requestById } from "../../src/ledger/requests.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { openReplyReceiver, type ReplyReceiver } from "../../src/stream/reply.ts";

const lookMs = 1_000;

export interface EndWaiter {
  /** The request when it has ended, or as it stands after `maxMs` or the abort; undefined when no request has this id. */
  ended(id: string, maxMs: number, signal?: AbortSignal): Promise<RequestView | undefined>;
  close(): void;
}

export function openEndWaiter(fleet: Pick<Fleet, "ledger" | "redisUrl">): EndWaiter {
  let opening: Promise<ReplyReceiver> | undefined;
  let replies: ReplyReceiver | undefined;
  let closed = false;
  const listen = () => {
    opening ??= openReplyReceiver(fleet.redisUrl);
    opening.then(
      (receiver) => {
        replies = receiver;
        if (closed) receiver.close();
      },
      () => {}, // without hints the looks remain
    );
  };
  const nap = (id: string, ms: number): Promise<void> =>
    replies === undefined ? sleep(Math.min(ms, 100)) : replies.wait(id, ms);

  return {
    async ended(id, maxMs, signal) {
      listen();
      const until = Date.now() + maxMs;
      for (;;) {
        // Listening begins before the look, or an end between the two would go unheard.
        const hint = nap(id, Math.max(0, Math.min(lookMs, until - Date.now())));
        const request = await requestById(fleet.ledger, id);
        if (request === undefined || isTerminal(request.state)) return request;
        if (Date.now() >= until || signal?.aborted === true) return request;
        await hint;
      }
    },
    close() {
      closed = true;
      replies?.close();
    },
  };
}
