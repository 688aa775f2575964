/**
 * `GET /v1/requests/:id/stream`: the text of a request as server-sent events. Ids are those of the Redis stream, so a
 * client that comes back with Last-Event-ID goes on where it was. `begin` starts the answer over (a new attempt); `text`,
 * `reasoning`, `tool-call` and `audio` add to it; `usage` says what the call that answered took; `done` ends it, with the
 * finish reason or the failure. The whole answer is at `GET /v1/requests/:id`.
 */
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { RequestView } from "../../src/ledger/requests.ts";
import type { Delta } from "../../src/request/delta.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { EndWaiter } from "../library/ended.ts";
import { usageJson } from "../wire/usage-json.ts";
import type { AnswerDeps } from "./attend.ts";
import { usageOf } from "./attended.ts";
import { type EventWriter, openEvents } from "./event-writer.ts";
import { goneOf, leaving } from "./leaving.ts";
import { notFound, type Problem, sendProblem } from "./problem.ts";
import { type ById, find } from "./requests.ts";
import { streamDoc } from "./requests-doc.ts";
import { eventIdSchema } from "./terms.ts";

/** Each holds a connection, and what it has not yet read. */
const maxReaders = 2_000;
const lookMs = 15_000;

export function addTokenEvents(app: FastifyInstance, { fleet, waiter, closing, keepAliveMs }: AnswerDeps): void {
  let readers = 0;
  app.get<ById>("/v1/requests/:id/stream", { config: { doc: streamDoc } }, async (request, reply) => {
    const found = await find(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, notFound(request.params.id));
    if (readers >= maxReaders) return sendProblem(reply, tooManyReaders);
    const gone = goneOf(leaving(reply), closing);
    const events = openEvents(reply, gone);
    readers += 1;
    const waiting = setInterval(() => events.keepAlive(), keepAliveMs);
    try {
      events.begin();
      await tell(
        { events, fleet, waiter, gone },
        found,
        eventIdSchema.safeParse(request.headers["last-event-id"]).data ?? "0",
      );
      events.end();
    } catch {
      events.cut();
    } finally {
      clearInterval(waiting);
      readers -= 1;
    }
    return reply;
  });
}

interface Teller {
  readonly events: EventWriter;
  readonly fleet: Fleet;
  readonly waiter: EndWaiter;
  readonly gone: AbortSignal;
}

async function tell(teller: Teller, request: RequestView, from: string): Promise<void> {
  const { events, fleet } = teller;
  let end: RequestView | undefined = isTerminal(request.state) ? request : undefined;
  const over = new AbortController();
  const ending = watchEnd(teller, request.id, (ended) => {
    end = ended;
  }).finally(() => over.abort());
  ending.catch(() => {}); // whoever awaits it is told
  for await (const { id, said } of fleet.streams.pieces(request.id, from, over.signal)) {
    if (said === "begin") await events.send({ event: "begin", data: { text: "" }, id });
    else if (said !== "end") await events.send({ event: said.type, data: dataOf(said), id });
  }
  await ending;
  if (end === undefined) return;
  const usage = end.state === "succeeded" ? usageJson(await usageOf(fleet.ledger, end)) : null;
  if (usage !== null) await events.send({ event: "usage", data: usage });
  await events.send({ event: "done", data: doneOf(end) });
}

/** Learns of the end. */
async function watchEnd(teller: Teller, id: string, learned: (end: RequestView) => void): Promise<void> {
  while (!teller.gone.aborted) {
    const now = await teller.waiter.ended(id, lookMs, teller.gone);
    if (now === undefined) return;
    if (isTerminal(now.state)) return learned(now);
  }
}

const dataOf = ({ type: _type, ...data }: Delta): object => data;

const doneOf = (request: RequestView) => ({
  id: request.id,
  state: request.state,
  failure: request.state === "succeeded" ? null : (request.failure ?? null),
  finish: request.result?.finish ?? null,
});

const tooManyReaders: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_many_streams",
  message: `This server feeds at most ${maxReaders} streams at once.`,
  retryAfterSeconds: 5,
};
