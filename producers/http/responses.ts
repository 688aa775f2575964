/**
 * `/v1/responses`, as OpenAI's clients call it: made whole, streamed or in the background, looked at, read along and
 * cancelled later. Every response is a request like any other, and is there as long as its answer is kept.
 */
import type { FastifyInstance } from "fastify";
import { responseJson } from "../wire/openai-response.ts";
import { openResponseEvents } from "../wire/openai-response-events.ts";
import { attend } from "./attend.ts";
import { type AnswerDeps, follow, startOf } from "./attended.ts";
import { withPatience } from "./errors.ts";
import { invalidBody } from "./invalid-body.ts";
import { leaving } from "./leaving.ts";
import { cancelResponseDoc, responsesDoc, showResponseDoc } from "./openai-docs.ts";
import { sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";
import { readResponseOrder, readResponseQuery } from "./response-order.ts";
import { findResponse, noResponse, stateOf } from "./response-view.ts";
import { responseWire } from "./response-wire.ts";
import { streamAnswer } from "./stream-answer.ts";
import { wholeAnswer } from "./whole-answer.ts";

export function addResponses(app: FastifyInstance, deps: AnswerDeps): void {
  const { fleet } = deps;
  const { ledger } = fleet;

  app.post("/v1/responses", { config: { doc: responsesDoc } }, async (request, reply) => {
    const read = await readResponseOrder(fleet, request.caller, request.body);
    if (!read.ok) return sendProblem(reply, invalidBody(read.reason));
    const { body, isStreamed, isBackground } = read.value;
    const attended = await attend(deps, request, reply, body, { isDetached: isBackground });
    if (!attended.ok) return sendProblem(reply, attended.problem);
    const { id, createdSeconds } = attended;
    const terms = { id, createdSeconds, body, isBackground };
    if (isStreamed) {
      return streamAnswer(attended, reply, responseWire(openResponseEvents({ ...terms, model: body.model })));
    }
    if (isBackground) return responseJson(terms, { status: "queued", model: body.model });
    return wholeAnswer(attended, reply, (result, usage) => responseJson(terms, { status: "ended", result, usage }));
  });

  app.get<ById>("/v1/responses/:id", { config: { doc: showResponseDoc } }, async (request, reply) => {
    const query = readResponseQuery(request.query);
    if (!query.ok) return sendProblem(reply, invalidBody(query.reason));
    const found = await findResponse(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, noResponse(request.params.id));
    const { view, terms } = found;
    if (!query.value.isStreamed) return responseJson(terms, await stateOf(ledger, view));
    const from = await withPatience(startOf(fleet, view.id, undefined));
    const followed = { id: view.id, from, lastEventId: undefined, left: leaving(reply) };
    const events = openResponseEvents({ ...terms, model: view.model });
    const wire = responseWire(events, query.value.startingAfter);
    return streamAnswer(follow(deps, reply, followed).attended, reply, wire);
  });

  app.post<ById>("/v1/responses/:id/cancel", { config: { doc: cancelResponseDoc } }, async (request, reply) => {
    const found = await findResponse(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, noResponse(request.params.id));
    await withPatience(fleet.cancel(found.view.id));
    const after = (await findResponse(fleet, request.caller, request.params.id)) ?? found;
    return responseJson(after.terms, await stateOf(ledger, after.view));
  });
}
