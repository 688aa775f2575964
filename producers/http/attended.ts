/** A request that somebody waits for: how it ends, and its answer as it comes. */
import type { FastifyReply } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type RequestView, requestById } from "../../src/ledger/requests.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { beforeDispatch, dispatchOf, type StreamPiece } from "../../src/stream/piece.ts";
import type { EndWaiter } from "../library/ended.ts";

/** What every route with an answer needs. */
export interface AnswerDeps {
  readonly fleet: Fleet;
  readonly waiter: EndWaiter;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  /** Of silence, before a stream says that it is still there. */
  readonly keepAliveMs: number;
}

export interface Attended {
  readonly ok: true;
  readonly id: string;
  /** Seconds since 1970: the same however often somebody comes back for the answer. */
  readonly createdSeconds: number;
  /** The request when it has ended or is held, or as it stands when the client leaves; undefined: its row is gone. */
  readonly ended: Promise<RequestView | undefined>;
  /** Pieces of the answer as they come, from the first one on; over when the request has ended. */
  readonly pieces: () => AsyncGenerator<StreamPiece>;
  /** The last piece that the client has already, from an earlier connection. */
  readonly lastEventId: string | undefined;
  /** Aborts when the client leaves or the server closes. */
  readonly gone: AbortSignal;
  readonly keepAliveMs: number;
}

interface Followed {
  readonly id: string;
  /** Pieces after this one: see `startOf`. */
  readonly from: string;
  readonly lastEventId: string | undefined;
  readonly left: AbortSignal;
}

const lookMs = 15_000;

/** Sets `x-request-id`. `over` aborts when the request has ended. */
export function follow(
  { fleet, waiter, closing, keepAliveMs }: AnswerDeps,
  reply: FastifyReply,
  { id, from, lastEventId, left }: Followed,
): { readonly attended: Attended; readonly over: AbortSignal } {
  void reply.header("x-request-id", id).header("request-id", id);
  const gone = AbortSignal.any([closing, left]);
  const over = new AbortController();
  const ended = untilEnded(waiter, id, gone).finally(() => over.abort());
  ended.catch(() => {}); // whoever awaits it is told
  const pieces = () => fleet.streams.pieces(id, from, over.signal);
  const createdSeconds = createdSecondsOf(id);
  return {
    attended: { ok: true, id, createdSeconds, ended, pieces, lastEventId, gone, keepAliveMs },
    over: over.signal,
  };
}

/**
 * Where the answer begins that a client who comes back is to have: a dispatch that broke off is not told again. With the id
 * of a piece it has, the answer which that piece belongs to.
 */
export async function startOf(fleet: Fleet, id: string, lastEventId: string | undefined): Promise<string> {
  if (lastEventId !== undefined) return beforeDispatch(dispatchOf(lastEventId));
  const now = await requestById(fleet.ledger, id);
  if (now === undefined) return beforeDispatch(1);
  const isSaying = now.state === "dispatched" || now.state === "running" || now.state === "succeeded";
  return beforeDispatch(isSaying ? now.dispatchNo : now.dispatchNo + 1);
}

async function untilEnded(waiter: EndWaiter, id: string, gone: AbortSignal): Promise<RequestView | undefined> {
  for (;;) {
    const now = await waiter.ended(id, lookMs, gone);
    if (now === undefined || isTerminal(now.state) || now.state === "held" || gone.aborted) return now;
  }
}

/** A version 7 UUID begins with its time in milliseconds. */
export const createdSecondsOf = (id: string): number =>
  Math.floor(Number.parseInt(id.replace("-", "").slice(0, 12), 16) / 1_000);
