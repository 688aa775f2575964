/** `GET /v1/requests`: newest first, by page. Without prompts and answers. */
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { listRequests, type RequestQuery } from "../../src/ledger/request-list.ts";
import { read } from "../wire/complaint.ts";
import { withPatience } from "./errors.ts";
import { invalidBody } from "./invalid-body.ts";
import { sendProblem } from "./problem.ts";
import { lineJson } from "./request-json.ts";
import { listQuerySchema } from "./request-query.ts";
import { listDoc } from "./requests-doc.ts";

export function addRequestList(app: FastifyInstance, fleet: Fleet): void {
  app.get("/v1/requests", { config: { doc: listDoc } }, async (request, reply) => {
    const asked = read(listQuerySchema, request.query);
    if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
    const { after, before } = asked.value;
    if (after !== undefined && before !== undefined) {
      return sendProblem(reply, invalidBody("after and before cannot both be given"));
    }
    const query = { ...queryOf(asked.value), tenant: request.caller.tenant ?? asked.value.tenant };
    const { lines, next } = await withPatience(listRequests(fleet.ledger, query));
    return {
      object: "list",
      data: lines.map(lineJson),
      first_id: lines[0]?.id ?? null,
      last_id: lines.at(-1)?.id ?? null,
      has_more: next !== undefined,
      next_id: next ?? null,
    };
  });
}

function queryOf(given: z.infer<typeof listQuerySchema>): RequestQuery {
  const { limit, after, before, state, model, batch_id: batchId } = given;
  return {
    limit,
    after,
    before,
    state,
    model,
    batchId,
    createdAfter: given.created_after === undefined ? undefined : new Date(given.created_after),
    createdBefore: given.created_before === undefined ? undefined : new Date(given.created_before),
  };
}
