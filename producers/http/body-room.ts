/** Bodies are held whole while their requests are handled, so how much of them may be under way at once is bounded. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { maxBodyBytes } from "../../src/request/body.ts";
import { type Problem, sendProblem } from "./problem.ts";

/** The longest body that is read. */
export const bodyLimitBytes = maxBodyBytes + 4 * 1024 * 1024;
/** Parsed, a body takes a few times its length. */
const roomBytes = 4 * bodyLimitBytes;

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route takes its body piece by piece and never holds it whole. */
    streamsBody?: boolean;
  }
}

/** Refuses with 503 what would be too much at once; to be registered before any route. */
export function boundBodies(app: FastifyInstance): void {
  let used = 0;
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.streamsBody === true) return;
    const bytes = Math.min(bodyLimitBytes, lengthOf(request));
    if (bytes === 0) return;
    if (used + bytes > roomBytes) return sendProblem(reply, tooMuch);
    used += bytes;
    reply.raw.once("close", () => {
      used -= bytes;
    });
  });
}

/** What does not say how long it is may be as long as any. */
function lengthOf({ headers }: FastifyRequest): number {
  if (headers["transfer-encoding"] !== undefined) return bodyLimitBytes;
  return Number(headers["content-length"] ?? 0);
}

const tooMuch: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_much_at_once",
  message: `Bodies of ${roomBytes / 1024 / 1024} MiB are under way already. Nothing of it was stored; send the same again.`,
  retryAfterSeconds: 1,
};
