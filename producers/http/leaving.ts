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

/** Aborts with `left` or with the server. AbortSignal.any of Node 20 would leave a reference in `closing` for each call. */
export function goneOf(left: AbortSignal, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const end = () => {
    closing.removeEventListener("abort", end);
    gone.abort(hasLeft);
  };
  if (left.aborted || closing.aborted) end();
  else for (const signal of [left, closing]) signal.addEventListener("abort", end, { once: true });
  return gone.signal;
}
