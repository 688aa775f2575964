/** A request that somebody waits for: how it ends, and its answer as it comes. */
import type { FastifyReply } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { AnswerHere } from "../../src/intake/here.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { attemptsOf, type RequestView, requestById } from "../../src/ledger/requests.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { beforeDispatch, dispatchOf, type StreamPiece } from "../../src/stream/piece.ts";
import type { EndWaiter } from "../library/ended.ts";
import { problemOfEnd, rowGone } from "./ended-problem.ts";
import { goneOf } from "./leaving.ts";
import type { Problem } from "./problem.ts";

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
  /** Its answer, or why there is none; when the client leaves before that, how it stands then. */
  readonly end: Promise<End>;
  /** Pieces of the answer as they come, from the first one on; over when the request has ended. */
  readonly pieces: () => AsyncGenerator<StreamPiece>;
  /** The last piece that the client has already, from an earlier connection. */
  readonly lastEventId: string | undefined;
  /** Aborts when the client leaves or the server closes. */
  readonly gone: AbortSignal;
  readonly keepAliveMs: number;
}

export type End =
  | { readonly ok: true; readonly result: Result; readonly usage: Usage }
  | { readonly ok: false; readonly problem: Problem };

interface Followed {
  readonly id: string;
  /** Pieces after this one: see `startOf`. */
  readonly from: string;
  readonly lastEventId: string | undefined;
  readonly left: AbortSignal;
  /** Its call is made in this process, which knows its answer as soon as that is recorded. */
  readonly here?: Promise<AnswerHere | undefined> | undefined;
}

const lookMs = 15_000;

/** Sets `x-request-id`. `over` aborts when the request has ended. */
export function follow(
  { fleet, waiter, closing, keepAliveMs }: AnswerDeps,
  reply: FastifyReply,
  { id, from, lastEventId, left, here }: Followed,
): { readonly attended: Attended; readonly over: AbortSignal } {
  void reply.header("x-request-id", id).header("request-id", id);
  const gone = goneOf(left, closing);
  const over = new AbortController();
  const end = untilEnded(fleet, waiter, id, gone, here).finally(() => over.abort("ended"));
  end.catch(() => {}); // whoever awaits it is told
  const pieces = () => fleet.streams.pieces(id, from, over.signal);
  const createdSeconds = createdSecondsOf(id);
  return {
    attended: { ok: true, id, createdSeconds, end, pieces, lastEventId, gone, keepAliveMs },
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

async function untilEnded(
  fleet: Fleet,
  waiter: EndWaiter,
  id: string,
  gone: AbortSignal,
  here: Followed["here"],
): Promise<End> {
  const answer = await here;
  if (answer !== undefined) return { ok: true, ...answer };
  for (;;) {
    const now = await waiter.ended(id, lookMs, gone);
    if (now === undefined || isTerminal(now.state) || now.state === "held" || gone.aborted)
      return endOf(fleet, id, now);
  }
}

async function endOf(fleet: Fleet, id: string, view: RequestView | undefined): Promise<End> {
  const problem = view === undefined ? rowGone(id) : problemOfEnd(view);
  if (problem !== undefined || view?.result === undefined) return { ok: false, problem: problem ?? rowGone(id) };
  return { ok: true, result: view.result, usage: await usageOf(fleet.ledger, view) };
}

/** Of the call that answered. */
export async function usageOf(ledger: Ledger, { id }: Pick<RequestView, "id">): Promise<Usage> {
  return (await attemptsOf(ledger, id)).findLast(({ outcome }) => outcome === "succeeded")?.usage ?? {};
}

/** A version 7 UUID begins with its time in milliseconds. */
export const createdSecondsOf = (id: string): number =>
  Math.floor(Number.parseInt(id.replace("-", "").slice(0, 12), 16) / 1_000);
