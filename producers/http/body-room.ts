/** Bodies are held whole while their requests are handled, so how much of them may be under way at once is bounded. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { maxBodyBytes } from "../../src/request/body.ts";
import { type Problem, sendProblem } from "./problem.ts";

/** The longest body that is read. */
export const bodyLimitBytes = maxBodyBytes + 4 * 1024 * 1024;
/** Parsed, a body takes a few times its length. */
const roomBytes = 4 * bodyLimitBytes;
/** A connection is read in pieces of this length: so much of a body may have come with its headers. */
const withHeadersBytes = 64 * 1024;

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route takes its body piece by piece and never holds it whole. */
    streamsBody?: boolean;
  }
  interface FastifyRequest {
    /** Kept for its body; and what its connection had read when its headers were heard. */
    bodyRoom: { bytes: number; readonly readBefore: number } | undefined;
  }
}

/** Refuses with 503 what would be too much at once; to be registered before any route. */
export function boundBodies(app: FastifyInstance): void {
  let used = 0;
  app.decorateRequest("bodyRoom", undefined);
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.streamsBody === true) return;
    const bytes = Math.min(bodyLimitBytes, lengthOf(request));
    if (bytes === 0) return;
    if (used + bytes > roomBytes) return sendProblem(reply, tooMuch);
    used += bytes;
    const room = { bytes, readBefore: request.raw.socket.bytesRead };
    request.bodyRoom = room;
    reply.raw.once("close", () => {
      used -= room.bytes;
      room.bytes = 0;
    });
  });
  // What did not say how long it is has come by now; an answer may take minutes, and keeps no room for what never came.
  app.addHook("preHandler", async ({ bodyRoom: room, raw }) => {
    if (room === undefined) return;
    const bytes = Math.min(room.bytes, raw.socket.bytesRead - room.readBefore + withHeadersBytes);
    used -= room.bytes - bytes;
    room.bytes = bytes;
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
