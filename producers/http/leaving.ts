import type { FastifyReply } from "fastify";

const hasLeft = "the connection has ended";

/** Aborts when the connection ends: the caller hangs up, or has its answer. */
export function leaving(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  // A reason of one's own costs less than the error that is made without one.
  if (reply.raw.destroyed) gone.abort(hasLeft);
  else reply.raw.once("close", () => gone.abort(hasLeft));
  return gone.signal;
}
