/** The life of one call: receive → note → decide → refuse or answer. */
import type { ServerResponse } from "node:http";
import { requestIdOf } from "./call-ledger.ts";
import { sendPage } from "./delivery.ts";
import { digest } from "./digest.ts";
import { badGateway } from "./fault-refusal.ts";
import { type Received, type RequestBody, receive } from "./received.ts";
import { respond } from "./respond.ts";
import type { Simulation } from "./simulation.ts";
import { tokensIn } from "./text.ts";
import { decide, type Verdict } from "./verdict.ts";
import type { AnswerContext, Arrival, Page, Wire } from "./wire.ts";

export function answerCall(
  simulation: Simulation,
  wire: Wire,
  arrival: Arrival,
  body: RequestBody,
  response: ServerResponse,
): void {
  const received = receive(simulation.settings, wire, arrival, body);
  // One moment for ledger and meters, or a call could be noted on the wrong side of a window's edge.
  const nowMs = simulation.clock.now();
  const seq = note(simulation, wire, arrival, received, nowMs);
  const model = askOf(received)?.model ?? arrival.model;
  const context = { requestId: requestIdOf(seq), model, nowMs, processingMs: 0 };
  const verdict: Verdict = received.ok
    ? decide(simulation, wire.vendor, received.call, nowMs)
    : { verdict: "refuse", refusal: received.refusal, limits: {} };
  if (verdict.verdict === "answer") {
    respond(simulation, wire, verdict, { ...context, limits: verdict.limits }, seq, response);
    return;
  }
  const page = pageOf(wire, verdict, context);
  const refusedBy = verdict.verdict === "refuse" ? verdict.refusedBy : undefined;
  simulation.ledger.change(seq, { status: page.status, ended: "complete", fault: verdict.fault, refusedBy });
  sendPage(response, page);
}

function pageOf(
  wire: Wire,
  verdict: Exclude<Verdict, { verdict: "answer" }>,
  context: Omit<AnswerContext, "limits">,
): Page {
  if (verdict.verdict === "bad gateway") return badGateway;
  const page = wire.refuse(verdict.refusal, { ...context, limits: verdict.limits });
  return verdict.fault === "error-in-success" ? { ...page, status: 200 } : page;
}

function note(simulation: Simulation, wire: Wire, arrival: Arrival, received: Received, nowMs: number): number {
  const ask = askOf(received);
  const correlation = arrival.headers["x-millrace-request"];
  return simulation.ledger.open({
    atMs: nowMs,
    provider: wire.vendor,
    streamed: ask?.stream ?? arrival.stream ?? false,
    model: ask?.model ?? arrival.model,
    keyTail: wire.keyOf(arrival)?.slice(-4),
    correlation: typeof correlation === "string" ? correlation : undefined,
    textDigest: received.ok ? received.call.textDigest : ask && digest(ask.text, simulation.settings.seed),
    inputTokens: received.ok ? received.call.inputTokens : ask && tokensIn(ask.text),
  });
}

const askOf = (received: Received) => (received.ok ? received.call.ask : received.ask);
