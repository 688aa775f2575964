/** The native API: place requests, look at them, wait for them, cancel them. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { attemptsOf, type RequestView, requestById } from "../../src/ledger/requests.ts";
import { audioOf } from "../../src/ledger/result-audio.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { EndWaiter } from "../library/ended.ts";
import type { Caller } from "./callers.ts";
import { withPatience } from "./errors.ts";
import { goneOf, leaving } from "./leaving.ts";
import { idempotencyKeySchema, readOrders, waitSchema } from "./orders.ts";
import { placeWithin } from "./place-within.ts";
import { notFound, type Problem, sendProblem } from "./problem.ts";
import { requestJson } from "./request-json.ts";
import { audioDoc, cancelDoc, placeDoc, showDoc } from "./requests-doc.ts";

/** Each request that is waited for is looked up every second. */
const maxWaitedFor = 50;

export function addRequests(app: FastifyInstance, fleet: Fleet, waiter: EndWaiter, closing: AbortSignal): void {
  app.post("/v1/requests", { config: { doc: placeDoc } }, async (request, reply) => {
    const asked = readQuestion(request, fleet);
    if (!asked.ok) return sendProblem(reply, asked.problem);
    const { orders, many, waitMs } = asked;
    const placed = await withPatience(placeWithin(fleet, request, reply, orders, many));
    if (!placed.ok) return sendProblem(reply, placed.problem);

    void reply.status(placed.fresh ? 202 : 200);
    if (many && waitMs === 0) {
      return { object: "list", data: placed.requests.map(({ id, warnings }) => ({ id, warnings, object: "request" })) };
    }
    const gone = goneOf(leaving(reply), closing);
    const looked = await Promise.all(
      placed.requests.map(async ({ id, warnings }) => ({ view: await waiter.ended(id, waitMs, gone), warnings })),
    );
    const found = looked.flatMap(({ view, warnings }) =>
      view === undefined ? [] : { ...requestJson(view), warnings },
    );
    if (found.every((view) => view.finished_at !== null)) void reply.status(200);
    if (many) return { object: "list", data: found };
    return reply.header("location", `/v1/requests/${placed.requests[0]?.id}`).send(found[0]);
  });

  app.get<ById>("/v1/requests/:id", { config: { doc: showDoc } }, async (request, reply) => {
    const found = await find(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, notFound(request.params.id));
    return requestJson(found, await withPatience(attemptsOf(fleet.ledger, found.id)));
  });

  app.get<ById>("/v1/requests/:id/audio", { config: { doc: audioDoc } }, async (request, reply) => {
    const found = await find(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, notFound(request.params.id));
    const audio = await withPatience(audioOf(fleet.ledger, found.id));
    if (audio === undefined) return sendProblem(reply, noAudio(found));
    // It is played, never rendered: a provider's content type is not ours to trust.
    void reply.header("content-type", audio.mediaType).header("x-content-type-options", "nosniff");
    return reply.header("content-disposition", "attachment").send(Buffer.from(audio.data));
  });

  app.post<ById>("/v1/requests/:id/cancel", { config: { doc: cancelDoc } }, async (request, reply) => {
    const found = await find(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, notFound(request.params.id));
    await withPatience(fleet.cancel(found.id));
    const after = (await find(fleet, request.caller, found.id)) ?? found;
    return after.state === "cancelled" ? requestJson(after) : sendProblem(reply, tooLate(after));
  });
}

export interface ById {
  Params: { id: string };
}

const idSchema = z.uuid();

/** Undefined for what cannot be an id, and for requests of tenants that are none of the caller's business. */
export async function find(fleet: Fleet, { tenant }: Caller, id: string): Promise<RequestView | undefined> {
  if (!idSchema.safeParse(id).success) return undefined;
  const found = await withPatience(requestById(fleet.ledger, id));
  return tenant === undefined || found?.tenant === tenant ? found : undefined;
}

type Question =
  | (Extract<ReturnType<typeof readOrders>, { ok: true }> & { readonly waitMs: number })
  | { readonly ok: false; readonly problem: Problem };

function readQuestion(request: FastifyRequest, fleet: Fleet): Question {
  const query = z.object({ wait_ms: waitSchema.default(0) }).safeParse(request.query);
  if (!query.success) return invalid("wait_ms", "wait_ms must be a whole number of milliseconds, at most 600000");
  const key = idempotencyKeySchema.optional().safeParse(request.headers["idempotency-key"]);
  if (!key.success) return invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 printable characters");
  const waitMs = query.data.wait_ms;
  const read = readOrders(request.body, {
    tenant: request.caller.tenant ?? fleet.config.tenant,
    idempotencyKey: key.data,
    traceparent: request.headers["traceparent"]?.toString(),
    replyWanted: waitMs > 0,
  });
  if (!read.ok) return read;
  const { tenant } = request.caller;
  if (tenant !== undefined && read.orders.some((order) => order.tenant !== tenant)) {
    return invalid("tenant", `tenant must be ${tenant}, whose key this is, or absent`);
  }
  if (waitMs > 0 && read.orders.length > maxWaitedFor) {
    return invalid("wait_ms", `wait_ms waits for at most ${maxWaitedFor} requests; ask for their ends one by one`);
  }
  return { ...read, waitMs };
}

const invalid = (param: string, message: string): Question => ({
  ok: false,
  problem: { status: 400, type: "invalid_request_error", code: "invalid_request", message, param },
});

const noAudio = (request: RequestView): Problem => ({
  status: 404,
  type: "not_found_error",
  code: "no_audio",
  message: `The request has no sound${whyNoAudio(request)}.`,
});

function whyNoAudio({ state, result, kept }: RequestView): string {
  if (!isTerminal(state)) return ` yet: it is ${state}`;
  if (state !== "succeeded") return `: it has ${state}`;
  if (kept.answer === "removed") return " any more: its answer was removed";
  return result?.audio === undefined ? ": its answer is text" : " any more: it was removed";
}

const tooLate = (request: RequestView): Problem => ({
  status: 409,
  type: "conflict_error",
  code: "already_finished",
  message: `The request has ${request.state} already.`,
});
