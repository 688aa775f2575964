/** `x-request-id` on every answer of a scope: what a caller names when something is wrong. */
import type { FastifyInstance } from "fastify";
import { v7 as uuidv7 } from "uuid";

export function nameRequests(scope: FastifyInstance): void {
  scope.addHook("onRequest", async (_request, reply) => {
    if (!reply.hasHeader("x-request-id")) void reply.header("x-request-id", `req_${uuidv7().replaceAll("-", "")}`);
  });
}
