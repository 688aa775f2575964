/**
 * One call of a client that waits for its answer. Its order goes through ledger, lane and admission as any other; what is
 * special is only that somebody waits here, and that the request is cancelled when nobody does any more.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { RequestView } from "../../src/ledger/requests.ts";
import type { Body } from "../../src/request/body.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { StreamPiece } from "../../src/stream/piece.ts";
import type { EndWaiter } from "../library/ended.ts";
import { withPatience } from "./errors.ts";
import { leaving } from "./leaving.ts";
import { placeWithin } from "./place-within.ts";
import type { Problem } from "./problem.ts";
import { readTerms } from "./terms.ts";

/** What every route with an answer needs. */
export interface AnswerDeps {
  readonly fleet: Fleet;
  readonly waiter: EndWaiter;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

export interface Attended {
  readonly ok: true;
  readonly id: string;
  /** The request when it has ended or is held, or as it stands when the client leaves; undefined: its row is gone. */
  readonly ended: Promise<RequestView | undefined>;
  /** Pieces of the answer as they come, from the first one on; over when the request has ended. */
  readonly pieces: () => AsyncGenerator<StreamPiece>;
  /** The last piece that the client has already, from an earlier connection. */
  readonly lastEventId: string | undefined;
  /** Aborts when the client leaves or the server closes. */
  readonly gone: AbortSignal;
}

const lookMs = 15_000;

/** Sets `x-request-id` and places the order; a refusal has stored nothing. */
export async function attend(
  { fleet, waiter, closing }: AnswerDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  body: Body,
): Promise<Attended | { readonly ok: false; readonly problem: Problem }> {
  const read = readTerms(request.headers);
  if (!read.ok) return read;
  const { isDetached, lastEventId, priority, deadlineMs, idempotencyKey, traceparent } = read.terms;
  const order = {
    body,
    tenant: request.caller.tenant ?? fleet.config.tenant,
    priority,
    replyWanted: true,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  const left = leaving(reply);
  const placed = await withPatience(placeWithin(fleet, request, reply, [order], false));
  if (!placed.ok) return placed;
  const [{ id, warnings } = { id: "", warnings: [] }] = placed.requests;
  void reply.header("x-request-id", id).header("request-id", id);
  if (warnings.length > 0) void reply.header("x-millrace-warning", warnings.join(" ").replace(/[^\x20-\x7e]/g, "?"));

  const gone = AbortSignal.any([closing, left]);
  const over = new AbortController();
  const ended = untilEnded(waiter, id, gone).finally(() => over.abort());
  if (!isDetached) cancelWhenLeft(fleet, id, left, over.signal);
  return { ok: true, id, ended, pieces: () => fleet.streams.pieces(id, "0", over.signal), lastEventId, gone };
}

async function untilEnded(waiter: EndWaiter, id: string, gone: AbortSignal): Promise<RequestView | undefined> {
  for (;;) {
    const now = await waiter.ended(id, lookMs, gone);
    if (now === undefined || isTerminal(now.state) || now.state === "held" || gone.aborted) return now;
  }
}

function cancelWhenLeft(fleet: Fleet, id: string, left: AbortSignal, over: AbortSignal): void {
  const cancel = () => {
    if (!over.aborted) void fleet.cancel(id).catch(() => {}); // it ends by its deadline, or is answered
  };
  if (left.aborted) cancel();
  else left.addEventListener("abort", cancel, { once: true });
}
