/** Receivers of webhooks, by tenant: register, list, look at, revoke. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { endpointById, listEndpoints, revokeEndpoint } from "../../src/ledger/webhook-endpoints.ts";
import { endpointJson, type Registered, registerEndpoint, registerEndpointOnce } from "../webhook-endpoint.ts";
import { read } from "../wire/complaint.ts";
import { withPatience } from "./errors.ts";
import { readIdempotencyKey, usedForAnother } from "./idempotency-key.ts";
import { invalidBody } from "./invalid-body.ts";
import { type Problem, sendProblem } from "./problem.ts";
import type { ById } from "./requests.ts";
import {
  listWebhooksDoc,
  registerWebhookDoc,
  revokeWebhookDoc,
  showWebhookDoc,
  webhookWishSchema,
} from "./webhooks-doc.ts";

export function addWebhooks(app: FastifyInstance, fleet: Fleet): void {
  app.post("/v1/webhooks", { config: { doc: registerWebhookDoc } }, async (request, reply) => {
    const key = readIdempotencyKey(request.headers);
    if (!key.ok) return sendProblem(reply, key.problem);
    const wish = read(webhookWishSchema, request.body, "");
    if (!wish.ok) return sendProblem(reply, invalidBody(wish.reason));
    const { tenant: own } = request.caller;
    const { url, events, batch_requests: batchRequests, tenant } = wish.value;
    if (own !== undefined && (tenant ?? own) !== own) {
      return sendProblem(reply, invalidBody(`tenant must be ${own}, whose key this is, or absent`));
    }
    const wished = {
      tenant: tenant ?? own ?? fleet.config.tenant,
      url,
      events: events ?? undefined,
      batchRequests: batchRequests ?? false,
    };
    const registered = await withPatience(
      key.key === undefined ? registerEndpoint(fleet, wished) : registerEndpointOnce(fleet, wished, key.key),
    );
    if (registered === "usedKey") return sendProblem(reply, usedForAnother("webhook"));
    if (!registered.ok) return sendProblem(reply, refused(registered));
    return reply.status(201).send({ ...endpointJson(registered.endpoint), secret: registered.secret });
  });

  app.get("/v1/webhooks", { config: { doc: listWebhooksDoc } }, async (request) => {
    const endpoints = await withPatience(listEndpoints(fleet.ledger, request.caller.tenant));
    return { object: "list", data: endpoints.map(endpointJson), has_more: false };
  });

  app.get<ById>("/v1/webhooks/:id", { config: { doc: showWebhookDoc } }, async (request, reply) => {
    const { id } = request.params;
    const look = () => withPatience(endpointById(fleet.ledger, id, request.caller.tenant));
    const found = isId(id) ? await look() : undefined;
    return found === undefined ? sendProblem(reply, unknown(id)) : endpointJson(found);
  });

  app.delete<ById>("/v1/webhooks/:id", { config: { doc: revokeWebhookDoc } }, async (request, reply) => {
    const { id } = request.params;
    const revoke = () => withPatience(revokeEndpoint(fleet.ledger, id, request.caller.tenant));
    const revoked = isId(id) ? await revoke() : undefined;
    return revoked === undefined ? sendProblem(reply, unknown(id)) : { id, object: "webhook", deleted: true };
  });
}

const isId = (id: string): boolean => z.uuid().safeParse(id).success;

const refused = ({ code, reason }: Extract<Registered, { ok: false }>): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code,
  message: reason,
  ...(code === "bad_url" ? { param: "url" } : {}),
});

const unknown = (id: string): Problem => ({
  status: 404,
  type: "not_found_error",
  code: "webhook_not_found",
  message: `No webhook has the id ${JSON.stringify(id.slice(0, 100))}.`,
});
