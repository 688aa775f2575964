/** `GET /v1/requests/:id/events`: a request's way through the fleet, in order, as far as the ledger knows it. */
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { storyOf } from "../../src/ledger/request-story.ts";
import { withPatience } from "./errors.ts";
import { notFound, sendProblem } from "./problem.ts";
import { type ById, find } from "./requests.ts";
import { eventsDoc } from "./requests-doc.ts";
import { storyEvents } from "./story-events.ts";

export function addRequestEvents(app: FastifyInstance, fleet: Fleet): void {
  app.get<ById>("/v1/requests/:id/events", { config: { doc: eventsDoc } }, async (request, reply) => {
    const { id } = request.params;
    const found = await find(fleet, request.caller, id);
    const story = found === undefined ? undefined : await withPatience(storyOf(fleet.ledger, id));
    if (story === undefined) return sendProblem(reply, notFound(id));
    return { object: "list", data: storyEvents(story) };
  });
}
