/**
 * `POST /v1/messages/count_tokens`: our estimate, brought into line with what the provider that would be asked first charged
 * for such estimates before. No provider is asked, and nothing is stored.
 */
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { prepareOrder } from "../../src/intake/order.ts";
import { loadEstimates } from "../../src/ledger/estimates.ts";
import { asWiresSay } from "./attend.ts";
import { withPatience } from "./errors.ts";
import { invalidBody } from "./invalid-body.ts";
import { readMessage } from "./messages.ts";
import { countTokensDoc } from "./messages-doc.ts";
import { refused } from "./place-orders.ts";
import { sendProblem } from "./problem.ts";

export function addCountTokens(app: FastifyInstance, fleet: Fleet): void {
  app.post(
    "/v1/messages/count_tokens",
    { config: { wire: "anthropic", doc: countTokensDoc } },
    async (request, reply) => {
      const body = readMessage(request.body);
      if (!body.ok) return sendProblem(reply, invalidBody(body.reason));
      const tenant = request.caller.tenant ?? fleet.config.tenant;
      const prepared = prepareOrder(fleet.config, { body: body.value, tenant, priority: "standard" }, Date.now());
      if (!prepared.ok) return sendProblem(reply, asWiresSay(refused(prepared.refusal, ""), request));
      const { deployment, estInputTokens } = prepared.row;
      const learned = await withPatience(loadEstimates(fleet.ledger));
      const ratio = learned.find((estimate) => estimate.deployment === deployment)?.inputRatio ?? 1;
      return { input_tokens: Math.max(1, Math.round(estInputTokens * ratio)) };
    },
  );
}
