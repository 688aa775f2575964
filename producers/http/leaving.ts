import type { FastifyReply } from "fastify";

/** Aborts when the connection ends: the caller hangs up, or has its answer. */
export function leaving(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (reply.raw.destroyed) gone.abort();
  else reply.raw.once("close", () => gone.abort());
  return gone.signal;
}
