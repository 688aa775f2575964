/**
 * Feeds the answer of an attended request to its client, in the client's own wire. The head is held back until there is
 * something to say, so that what fails before that has a status of its own; a long wait is bridged by comments.
 */
import type { FastifyReply } from "fastify";
import type { Delta } from "../../src/request/delta.ts";
import type { Result } from "../../src/request/result.ts";
import type { Usage } from "../../src/request/usage.ts";
import { isAfter } from "../../src/stream/piece.ts";
import type { Attended } from "./attended.ts";
import { type EventWriter, openEvents, type ServerEvent } from "./event-writer.ts";
import { type Problem, sendProblem } from "./problem.ts";
import { openAccount } from "./unsaid.ts";

/** How one wire writes an answer; it is asked once for each step, in this order. */
export interface AnswerWire {
  delta(delta: Delta): readonly ServerEvent[];
  /** After the last delta of an answer that is whole. */
  finish(result: Result, usage: Usage): readonly ServerEvent[];
  /** Instead of `finish`, when something was said already. */
  problem(problem: Problem): readonly ServerEvent[];
  /** Bridges a long wait; a comment unless given. */
  readonly ping?: ServerEvent;
}

export async function streamAnswer(attended: Attended, reply: FastifyReply, wire: AnswerWire): Promise<FastifyReply> {
  const events = openEvents(reply, attended.gone);
  const bridge = () => (wire.ping ? void events.send(wire.ping) : events.keepAlive());
  const waiting = setInterval(bridge, attended.keepAliveMs);
  try {
    const problem = await tell(attended, events, wire);
    if (problem === undefined) return reply;
    if (!events.hasBegun()) return sendProblem(reply, problem);
    for (const event of wire.problem(problem)) await events.send(event);
    events.end();
  } catch (error) {
    if (!events.hasBegun()) throw error;
    events.cut();
  } finally {
    clearInterval(waiting);
  }
  return reply;
}

async function tell(attended: Attended, events: EventWriter, wire: AnswerWire): Promise<Problem | undefined> {
  const { id: request, lastEventId: had, gone } = attended;
  const account = openAccount();
  let hasSaid = false;
  for await (const { id, said } of attended.pieces()) {
    if (said === "end") continue;
    if (said === "begin") {
      if (hasSaid) return startedOver(request);
      continue;
    }
    hasSaid = true;
    account.hear(said);
    const made = wire.delta(said);
    if (had !== undefined && !isAfter(id, had)) continue;
    // Whoever comes back after this id has all events of its piece.
    for (const [at, event] of made.entries()) await events.send(at === made.length - 1 ? { ...event, id } : event);
  }
  const end = await attended.end;
  if (gone.aborted) {
    events.cut();
    return undefined;
  }
  if (!end.ok) return end.problem;
  // What the client had of it can no longer be told from what it lacks.
  if (had !== undefined && !hasSaid) return forgotten(request);
  const rest = account.rest(end.result);
  if (rest === undefined) return startedOver(request);
  const last = [...rest.flatMap((delta) => wire.delta(delta)), ...wire.finish(end.result, end.usage)];
  for (const event of last) await events.send(event);
  events.end();
  return undefined;
}

/** These wires cannot take back what they said. */
const startedOver = (id: string): Problem => ({
  status: 502,
  type: "unavailable_error",
  code: "started_over",
  message: `The answer of request ${id} broke off and would have to start over. Send it again; with an Idempotency-Key it goes on while its client is away.`,
});

const forgotten = (id: string): Problem => ({
  status: 410,
  type: "not_found_error",
  code: "pieces_removed",
  message: `The pieces of request ${id} are no longer kept. Send it again without Last-Event-ID for the whole answer.`,
});
