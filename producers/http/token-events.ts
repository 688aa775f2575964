/**
 * `GET /v1/requests/:id/stream`: the text of a request as server-sent events. Ids are those of the Redis stream, so a
 * client that comes back with Last-Event-ID goes on where it was. `begin` starts the answer over (a new attempt); `text`,
 * `reasoning`, `tool-call` and `audio` add to it; `usage` says what the call that answered took; `done` ends it, with the
 * finish reason or the failure. The whole answer is at `GET /v1/requests/:id`.
 */
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { attemptsOf, type RequestView } from "../../src/ledger/requests.ts";
import type { Delta } from "../../src/request/delta.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import type { Usage } from "../../src/request/usage.ts";
import type { StreamHub } from "../../src/stream/stream-hub.ts";
import type { EndWaiter } from "../library/ended.ts";
import { usageJson } from "../wire/usage-json.ts";
import { notFound, type Problem, sendProblem } from "./problem.ts";
import { type ById, find, leaving } from "./requests.ts";

/** Each holds a connection, and what it has not yet read. */
const maxReaders = 2_000;
const lookMs = 15_000;

export function addTokenEvents(app: FastifyInstance, fleet: Fleet, waiter: EndWaiter, closing: AbortSignal): void {
  let readers = 0;
  app.get<ById>("/v1/requests/:id/stream", async (request, reply) => {
    const found = await find(fleet, request.caller, request.params.id);
    if (found === undefined) return sendProblem(reply, notFound(request.params.id));
    if (readers >= maxReaders) return sendProblem(reply, tooManyReaders);
    const gone = AbortSignal.any([closing, leaving(reply)]);
    readers += 1;
    reply.hijack();
    try {
      const { raw } = reply;
      for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...streamHeaders })) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      raw.flushHeaders();
      await tell(
        { raw, streams: fleet.streams, waiter, gone, ledger: fleet.ledger },
        found,
        lastIdOf(request.headers["last-event-id"]),
      );
      raw.end();
    } catch {
      // The head is out: a connection that breaks off is how the client learns that it must come back.
      reply.raw.destroy();
    } finally {
      readers -= 1;
    }
  });
}

const streamHeaders = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };

interface Teller {
  readonly raw: ServerResponse;
  readonly streams: StreamHub;
  readonly waiter: EndWaiter;
  readonly gone: AbortSignal;
  readonly ledger: Ledger;
}

async function tell(teller: Teller, request: RequestView, from: string): Promise<void> {
  let end: RequestView | undefined = isTerminal(request.state) ? request : undefined;
  const over = new AbortController();
  const ending = watchEnd(teller, request.id, (ended) => {
    end = ended;
  }).finally(() => over.abort());
  for await (const { id, said } of teller.streams.pieces(request.id, from, over.signal)) {
    if (said === "begin") await write(teller, "begin", { text: "" }, id);
    else if (said !== "end") await write(teller, said.type, dataOf(said), id);
  }
  await ending;
  if (end === undefined) return;
  const usage = usageJson(await usageOf(teller.ledger, end));
  if (usage !== null) await write(teller, "usage", usage);
  await write(teller, "done", doneOf(end));
}

/** Keeps the connection alive while nothing comes, and learns of the end. */
async function watchEnd(teller: Teller, id: string, learned: (end: RequestView) => void): Promise<void> {
  while (!teller.gone.aborted) {
    const now = await teller.waiter.ended(id, lookMs, teller.gone);
    if (now === undefined) return;
    if (isTerminal(now.state)) return learned(now);
    if (!teller.gone.aborted) teller.raw.write(": still at it\n\n");
  }
}

/** Of the call that answered. */
async function usageOf(ledger: Ledger, end: RequestView): Promise<Usage> {
  if (end.state !== "succeeded") return {};
  return (await attemptsOf(ledger, end.id)).findLast(({ outcome }) => outcome === "succeeded")?.usage ?? {};
}

const dataOf = ({ type: _type, ...data }: Delta): object => data;

const doneOf = (request: RequestView) => ({
  id: request.id,
  state: request.state,
  failure: request.state === "succeeded" ? null : (request.failure ?? null),
  finish: request.result?.finish ?? null,
});

/** Waits for a slow reader instead of heaping its text up in memory. */
async function write({ raw, gone }: Teller, event: string, data: object, id?: string): Promise<void> {
  if (gone.aborted) return;
  const head = id === undefined ? "" : `id: ${id}\n`;
  if (raw.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) return;
  await new Promise<void>((resolve) => {
    const go = () => resolve();
    raw.once("drain", go);
    gone.addEventListener("abort", go, { once: true });
  });
}

/** An id that is not one of ours starts from the beginning: better twice than not at all. */
const lastIdOf = (header: string | string[] | undefined): string =>
  typeof header === "string" && /^\d+-\d+$/.test(header) ? header : "0";

const tooManyReaders: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_many_streams",
  message: `This server feeds at most ${maxReaders} streams at once.`,
  retryAfterSeconds: 5,
};
