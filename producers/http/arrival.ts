/**
 * How long a body may take to arrive: a whole one two minutes; one that is taken piece by piece as long as it comes, and no
 * longer than this between two pieces. Heads have Node's own bound.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

const wholeMs = 120_000;
const pauseMs = 60_000;

/** Cuts the connection of what does not arrive in time; to be registered before any route. */
export function boundArrival(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ raw, routeOptions }) => {
    const { headers } = raw;
    if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return;
    const streamed = routeOptions.config.streamsBody === true;
    const timer = setTimeout(() => raw.destroy(), streamed ? pauseMs : wholeMs);
    if (streamed) onPieces(raw, () => timer.refresh());
    const arrived = () => clearTimeout(timer);
    raw.once("end", arrived).once("close", arrived);
  });
}

/** Listening for data would make it flow before anyone reads; so it is looked at as it passes. */
function onPieces(raw: IncomingMessage, passed: () => void): void {
  const { push } = raw;
  raw.push = (chunk: unknown, encoding?: BufferEncoding) => {
    passed();
    return push.call(raw, chunk, encoding);
  };
}
