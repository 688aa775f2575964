/**
 * One call of a client that waits for its answer. Its order goes through ledger, lane and admission as any other; what is
 * special is only that somebody waits here, and that the request is cancelled when nobody does any more.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type Body, isStreamed } from "../../src/request/body.ts";
import { beforeDispatch } from "../../src/stream/piece.ts";
import { type AnswerDeps, type Attended, follow, startOf } from "./attended.ts";
import { withPatience } from "./errors.ts";
import { leaving } from "./leaving.ts";
import { placeWithin } from "./place-within.ts";
import type { Problem } from "./problem.ts";
import { readTerms } from "./terms.ts";

export interface AttendWish {
  /** The request goes on when its client leaves, whatever the headers say. */
  readonly isDetached?: boolean;
}

export type { AnswerDeps, Attended } from "./attended.ts";

/** Sets `x-request-id` and places the order; a refusal has stored nothing. */
export async function attend(
  deps: AnswerDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  body: Body,
  wish: AttendWish = {},
): Promise<Attended | { readonly ok: false; readonly problem: Problem }> {
  const { fleet } = deps;
  const read = readTerms(request.headers);
  if (!read.ok) return read;
  const { lastEventId, priority, deadlineMs, idempotencyKey, traceparent } = read.terms;
  const isDetached = read.terms.isDetached || wish.isDetached === true;
  const order = {
    body,
    tenant: request.caller.tenant ?? fleet.config.tenant,
    priority,
    replyWanted: true,
    // Who reads along waits for the first word only, and leaves when it takes too long.
    ...(deadlineMs === undefined || isDetached || isStreamed(body) ? {} : { deadlineMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  const left = leaving(reply);
  const placing = placeWithin(fleet, request, reply, [order], false);
  const placed = await withPatience(placing).catch((error: unknown) => {
    // It may be accepted later, and then nobody is there for it.
    if (!isDetached) placing.then((late) => late.ok && fleet.cancel(late.requests[0]?.id ?? "")).catch(() => {});
    throw error;
  });
  if (!placed.ok) return { ok: false, problem: asWiresSay(placed.problem, request) };
  const [{ id, warnings, here } = { id: "", warnings: [], here: undefined }] = placed.requests;
  if (warnings.length > 0) void reply.header("x-millrace-warning", warnings.join(" ").replace(/[^\x20-\x7e]/g, "?"));
  // What is new was never heard, whatever its client says that it had.
  const had = placed.fresh ? undefined : lastEventId;
  const from = placed.fresh ? beforeDispatch(1) : await withPatience(startOf(fleet, id, had));
  const { attended, over } = follow(deps, reply, { id, from, lastEventId: had, left, here });
  if (!isDetached) cancelWhenLeft(fleet, id, left, over);
  return attended;
}

/** A model that nobody offers is something that is not there, on every wire but ours. */
export const asWiresSay = (problem: Problem, { routeOptions }: FastifyRequest): Problem =>
  problem.code === "unknown_model"
    ? {
        ...problem,
        status: 404,
        type: routeOptions.config.wire === "anthropic" ? "not_found_error" : "invalid_request_error",
        code: "model_not_found",
      }
    : problem;

function cancelWhenLeft(fleet: Fleet, id: string, left: AbortSignal, over: AbortSignal): void {
  const cancel = () => {
    if (!over.aborted) void fleet.cancel(id).catch(() => {}); // it ends by its deadline, or is answered
  };
  if (left.aborted) cancel();
  else left.addEventListener("abort", cancel, { once: true });
}
