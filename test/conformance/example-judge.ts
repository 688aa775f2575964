/** A server that speaks the wire of docs/adding-a-provider.md, and does what it is ordered to. */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startWireServer, type WireAnswer, type WireRequest } from "../support/wire-server.ts";
import { eventStream, json } from "../support/wires.ts";
import { toolCases } from "./cases-tools.ts";
import type { Judge, Order } from "./conformance.ts";

const apiKey = "quern-0123456789-abcdWXYZ";
const words = "A mill grinds what the river brings, at the rate that the wheel can take.".split(/(?<= )/);
const askedSchema = z.object({
  turns: z.array(z.object({ text: z.string() })),
  house: z.string().optional(),
  limit: z.number().optional(),
  until: z.array(z.string()).optional(),
  flow: z.boolean().optional(),
});
type Asked = z.infer<typeof askedSchema>;

const noFault = "Quern's server makes no such fault";

export const exampleJudge: Judge = {
  name: "a server of its own",
  skips: {
    ...Object.fromEntries(Object.keys(toolCases).map((name) => [name, "Quern knows text only"])),
    "reads an error in the body of a success by its kind": noFault,
    "calls an answer without any choice a failure": noFault,
    "calls an answer that was filtered to the last word the request's failure": noFault,
    "calls a tool call with broken JSON the server's failure": noFault,
  },
  async start() {
    const server = await startWireServer();
    let ordered: Order | undefined;
    const talks = () => server.requests.filter(({ path }) => path === "/v1/talk");
    server.answer = (request) => {
      if (request.headers.get("authorization") !== `Bearer ${apiKey}`) return wrong(401, "no_key");
      if (request.path === "/v1/models") return json('{"models":[{"name":"stone-2"}]}');
      const order = ordered;
      ordered = undefined;
      return answerTo(request, order);
    };
    return {
      baseUrl: server.url,
      apiKey,
      wrongKey: "quern-invalid-0123456789-QRST",
      model: "stone-2",
      order(order) {
        ordered = order;
      },
      arrivals() {
        const correlation = talks().at(-1)?.headers.get("x-millrace-request") ?? undefined;
        return { count: talks().length, correlation };
      },
      stop: () => server.stop(),
    };
  },
};

const wrong = (status: number, code: string, more: object = {}): WireAnswer =>
  json(JSON.stringify({ error: { code, message: `ordered: ${code}`, ...more } }), status);

function answerTo({ body }: WireRequest, order: Order | undefined): WireAnswer | Promise<WireAnswer> {
  const asked = askedSchema.parse(body);
  const usual = asked.flow === true ? flowing(asked, order) : whole(asked, order);
  switch (order?.kind) {
    case "auth":
      return wrong(401, "no_key");
    case "rate-limit":
      return wrong(429, "too_fast", { wait_s: order.retryAfterS });
    case "insufficient-quota":
      return wrong(402, "broke");
    case "server-error":
      return wrong(500, "cracked");
    case "unavailable":
    case "overloaded":
      return wrong(503, "grinding");
    case "html-error":
      return {
        status: 502,
        headers: { "content-type": "text/html" },
        pieces: ["<html><title>Bad Gateway</title></html>"],
      };
    case "slow":
      return sleep(order.ms, usual);
    default:
      return usual;
  }
}

/** What is said, and why it ends there. */
function said({ limit = words.length, until = [] }: Asked) {
  const text = words.slice(0, limit).join("");
  const [stop] = until.map((word) => text.indexOf(word)).filter((at) => at >= 0);
  const end = stop === undefined && limit < words.length ? "limit" : "done";
  return { text: text.slice(0, stop), end, written: Math.min(limit, words.length) };
}

const spentOn = ({ turns, house = "" }: Asked, written: number) => ({
  read: turns.map(({ text }) => text).join(house).length + house.length,
  written,
});

function whole(asked: Asked, order: Order | undefined): WireAnswer {
  const { text, end, written } = said(asked);
  const spent = order?.kind === "missing-usage" ? {} : { spent: spentOn(asked, written) };
  const body = JSON.stringify({ id: "q-000001", text, end, ...spent });
  if (order?.kind === "cut-stream")
    return { pieces: [body.slice(0, 40)], finale: order.how === "reset" ? "reset" : "end" };
  if (order?.kind === "hang") return { ...json(""), finale: "hang" };
  return order?.kind === "malformed-chunk" ? json(body.slice(0, -5)) : json(body);
}

const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

function flowing(asked: Asked, order: Order | undefined): WireAnswer {
  const { text, end, written } = said(asked);
  const pieces = text.split(/(?<= )/).map((piece) => data({ piece }));
  const spent = order?.kind === "missing-usage" ? {} : { spent: spentOn(asked, written) };
  const closing = data({ end, ...spent });
  const begun = (...more: readonly string[]): WireAnswer => {
    const { headers, pieces: sent = [] } = eventStream(...pieces.slice(0, 3), ...more);
    return { headers: { ...headers, "x-quern-id": "q-000001" }, pieces: sent };
  };
  switch (order?.kind) {
    case "cut-stream":
      return { ...begun(), finale: order.how === "reset" ? "reset" : "end" };
    case "hang":
      return order.afterTokens === undefined ? { ...eventStream(), finale: "hang" } : { ...begun(), finale: "hang" };
    case "malformed-chunk":
      return begun('data: {"piece": \n\n', closing);
    case "stream-error":
      return begun(data({ error: { code: "grinding", message: "too much grain" } }));
    default:
      return begun(...pieces.slice(3), closing);
  }
}
