/** The HTTP side: reads a request whole, finds what it means, and hands it on. Bare node:http, for speed. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerCall } from "./call.ts";
import { answerControl } from "./control.ts";
import { sendPage } from "./delivery.ts";
import { keyRefusal } from "./keys.ts";
import type { RequestBody } from "./received.ts";
import { type Target, targetOf } from "./route.ts";
import type { Simulation } from "./simulation.ts";
import type { Vendor } from "./vendor.ts";
import { type AnswerContext, type Arrival, json, type Page, type Wire } from "./wire.ts";
import { anthropicWire } from "./wire-anthropic.ts";
import { geminiWire } from "./wire-gemini.ts";
import { openaiWire } from "./wire-openai.ts";
import { openaiEmbeddingsWire } from "./wire-openai-embeddings.ts";
import { openaiResponsesWire } from "./wire-openai-responses.ts";

const wires: Readonly<Record<Vendor, Wire>> = { anthropic: anthropicWire, openai: openaiWire, gemini: geminiWire };

const furtherWires = { responses: openaiResponsesWire, embeddings: openaiEmbeddingsWire };

const wireOf = ({ vendor, api }: Extract<Target, { operation: "call" }>): Wire =>
  api === undefined ? wires[vendor] : furtherWires[api];

export function createSimulatorServer(simulation: Simulation): Server {
  const server = createServer((request, response) => {
    readBody(request, simulation.settings.bodyLimitBytes, (body) => answer(simulation, request, body, response));
  });
  // Clients keep sockets; a server that closes an idle one races with their next request.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  return server;
}

/** Calls back once with the body, or with `undefined` when it is too large. A caller that leaves before is never heard of. */
function readBody(request: IncomingMessage, limitBytes: number, then: (body: RequestBody) => void): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes > limitBytes) parts = [];
    else parts.push(part);
  });
  request.on("end", () => {
    if (bytes > limitBytes) then(undefined);
    else then(parts.length === 1 ? parts[0]?.toString() : Buffer.concat(parts).toString());
  });
}

function answer(simulation: Simulation, request: IncomingMessage, body: RequestBody, response: ServerResponse): void {
  const { method = "GET", url = "/", headers } = request;
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? noQuery : new URLSearchParams(url.slice(mark));
  const target = targetOf(method, path, headers);
  const arrival = { method, path, query, headers };
  if (target.operation === "call") {
    simulation.delay(response, () => answerCall(simulation, wireOf(target), { ...arrival, ...target }, body, response));
  } else if (target.operation === "control") {
    const { status, body: value } = answerControl(simulation, { method, path, query, body });
    sendPage(response, { status, headers: { "content-type": json }, body: `${JSON.stringify(value)}\n` });
  } else {
    sendPage(
      response,
      target.operation === "models" ? models(simulation, target.vendor, arrival) : nothing(target, arrival),
    );
  }
}

const noQuery = new URLSearchParams();

function models({ settings }: Simulation, vendor: Vendor, arrival: Arrival): Page {
  const wire = wires[vendor];
  const refusal = keyRefusal(settings, wire.keyOf(arrival));
  return refusal === undefined
    ? { status: 200, headers: { "content-type": json }, body: wire.models(Object.keys(settings.models[vendor])) }
    : wire.refuse(refusal, noContext);
}

function nothing({ vendor }: Extract<Target, { operation: "none" }>, { method, path }: Arrival): Page {
  if (vendor !== undefined) return wires[vendor].refuse({ kind: "unknown-path", method, path }, noContext);
  const message = `There is no ${method} ${path}. Wires are under /anthropic, /openai/v1 and /gemini, control under /_sim.`;
  return { status: 404, headers: { "content-type": json }, body: JSON.stringify({ error: { message } }) };
}

const noContext: AnswerContext = { requestId: "req_sim", model: undefined, limits: {}, nowMs: 0, processingMs: 0 };
