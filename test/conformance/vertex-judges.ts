/** Judges for Vertex: those of Gemini and of Claude, behind Vertex' own addresses and Google's tokens. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { aimockJudge } from "./aimock-judge.ts";
import type { Judge, RunningJudge } from "./conformance.ts";
import { startGoogleCloud } from "./google-cloud.ts";

const token = "sim-0123456789-abcdWXYZ";
const wrongToken = "sim-invalid-0123456789-QRST";

/** The simulator with a front that turns Vertex' addresses into those of the vendors themselves. */
export const simulatorAtVertex = (publisher: "google" | "anthropic", model: string): Judge => ({
  name: `the simulator, with ${model}`,
  skips:
    publisher === "google"
      ? {}
      : {
          "reads a used-up quota": "Anthropic's word for it is not Google's, who bills here: it is a rate",
          "answers with a JSON object": "Claude is asked for one in words, and the simulator reads none",
          "calls an answer without any choice a failure": "Claude's answers have blocks, and the simulator always one",
        },
  async start() {
    const simulator = await startSimulator({ outputTokens: { p50: 60, p99: 60 } });
    const behind = publisher === "google" ? simulator.baseUrls.gemini : simulator.baseUrls.anthropic;
    const front = createServer((incoming, response) => void pass(incoming, response, behind));
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    const address = front.address();
    const cloud = await startGoogleCloud();
    return {
      baseUrl: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
      apiKey: await cloud.accountFile("good", token),
      wrongKey: await cloud.accountFile("wrong-QRST", wrongToken),
      model,
      order: (order) => simulator.order(order),
      arrivals() {
        const calls = simulator.ledger();
        return { count: calls.length, correlation: calls.at(-1)?.correlation };
      },
      async stop() {
        front.closeAllConnections();
        front.close();
        await Promise.all([simulator.close(), cloud.stop()]);
      },
    };
  },
});

/** aimock speaks Gemini at Vertex' addresses, and asks for no token. */
export const aimockAtVertex: Judge = {
  name: "aimock",
  skips: {
    ...aimockJudge.skips,
    "says who answered": "it sends no responseId",
    "reads a used-up quota": "its errors have no details",
    "probes with a good key": "it has no list of models at Vertex",
  },
  async start(provider): Promise<RunningJudge> {
    const judge = await aimockJudge.start(provider);
    const cloud = await startGoogleCloud();
    return {
      ...judge,
      apiKey: await cloud.accountFile("good", token),
      async stop() {
        await Promise.all([judge.stop(), cloud.stop()]);
      },
    };
  },
};

const models =
  /^\/v1\/projects\/mill-42\/locations\/global\/publishers\/(google|anthropic)\/models\/([^:]+):(\w+)(\?.*)?$/;

/** Hands a call on, and its answer back, broken off where it breaks off. */
async function pass(incoming: IncomingMessage, response: ServerResponse, behind: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const key = incoming.headers.authorization?.replace(/^Bearer /, "") ?? "";
  const isList = incoming.url === "/v1beta1/publishers/google/models?pageSize=1";
  const [, publisher, model = "", verb = "", query = ""] = models.exec(incoming.url ?? "") ?? [];
  const isClaude = behind.includes("anthropic") || publisher === "anthropic";
  const path = isList
    ? isClaude
      ? "/v1/models"
      : "/v1beta/models"
    : isClaude
      ? "/v1/messages"
      : `/v1beta/models/${model}:${verb}${query}`;
  const body = isClaude && !isList ? claudeBody(Buffer.concat(chunks).toString("utf8"), model) : Buffer.concat(chunks);
  const { authorization: _, host: __, "content-length": ___, ...rest } = incoming.headers;
  const headers = { ...rest, [isClaude ? "x-api-key" : "x-goog-api-key"]: key, "anthropic-version": "2023-06-01" };
  const outgoing = request(`${behind}${path}`, { method: incoming.method, headers }, (answer) => {
    if (isList) return void relist(answer, response);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on("error", () => response.socket?.resetAndDestroy());
    answer.pipe(response);
  });
  outgoing.on("error", () => response.socket?.resetAndDestroy());
  response.on("close", () => outgoing.destroy());
  outgoing.end(body);
}

function claudeBody(text: string, model: string): string {
  const { anthropic_version: version, ...body } = JSON.parse(text);
  if (version !== "vertex-2023-10-16" || body.model !== undefined) throw new Error(`not Vertex' body: ${text}`);
  return JSON.stringify({ ...body, model });
}

/** The same list, under Vertex' name for it. */
async function relist(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  response.writeHead(answer.statusCode ?? 502, { "content-type": "application/json" });
  response.end(text.replace(/"(?:models|data)":/, '"publisherModels":'));
}
