/** The HTTP producer: the native API, the dashboard, Bull Board, health and metrics on one port. It composes and decides nothing. */
import { setMaxListeners } from "node:events";
import fastify, { type FastifyInstance } from "fastify";
import { v7 as uuidv7 } from "uuid";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { anyKeys, createKey } from "../../src/ledger/api-keys.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { startBatchRunner } from "../batches/batch-runner.ts";
import { openFileStore } from "../batches/file-store.ts";
import { openEndWaiter } from "../library/ended.ts";
import { boundArrival } from "./arrival.ts";
import { addBatchExtras } from "./batch-extras.ts";
import { addBatches } from "./batches.ts";
import { addBoard } from "./board.ts";
import { bodyLimitBytes, boundBodies } from "./body-room.ts";
import { askForKeys, openCallers } from "./callers.ts";
import { addCountTokens } from "./count-tokens.ts";
import { addDashboard } from "./dashboard.ts";
import { problemOf } from "./errors.ts";
import { addFiles } from "./files.ts";
import { guard, isLoopback } from "./guard.ts";
import { addHealth } from "./health.ts";
import { addLogin } from "./login.ts";
import { addMessageBatches } from "./message-batches.ts";
import { addMessages } from "./messages.ts";
import { addOpenai } from "./openai.ts";
import { addOpenapi, hearRoutes } from "./openapi/openapi.ts";
import { sendProblem } from "./problem.ts";
import { addRequestEvents } from "./request-events.ts";
import { addRequestList } from "./request-list.ts";
import { addRequests } from "./requests.ts";
import { metricsDoc } from "./service-doc.ts";
import { addTokenEvents } from "./token-events.ts";
import { addWebhooks } from "./webhooks.ts";

export interface HttpOptions {
  /** On anything but loopback calls need an API key: the first start makes one and tells it through `warn`. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Prometheus text for `/metrics`; without it there is no such route. */
  readonly metricsText?: () => Promise<string>;
  readonly log?: Log;
  /** Of silence, before a stream says that it is still there; 10,000 unless given. */
  readonly keepAliveMs?: number;
  /** Told, in one line, what the operator should know before going on. */
  readonly warn?: (line: string) => void;
}

export interface HttpServer {
  /** Where it listens, for this machine: `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Ends streams and waits, then stops listening. */
  close(): Promise<void>;
}

export interface WholeServer extends HttpServer {
  /** Every route there is, parameters as `:name` and `*`. */
  readonly routes: readonly ServerRoute[];
}

export interface ServerRoute {
  readonly method: string;
  readonly path: string;
}

/** Proxies give up on a connection that is silent for half a minute or a minute. */
const usualKeepAliveMs = 10_000;

/** Rejects with the system's error (`EADDRINUSE`, `EACCES`) when it cannot listen. */
export async function startHttp(fleet: Fleet, options: HttpOptions): Promise<WholeServer> {
  const app = fastify({
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    // Uploads may take longer: see arrival.ts.
    requestTimeout: 0,
    genReqId: () => uuidv7(),
  });
  const routes = noteRoutes(app);
  const waiter = openEndWaiter(fleet);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // each call under way is one
  const deps = { fleet, waiter, closing: closing.signal, keepAliveMs: options.keepAliveMs ?? usualKeepAliveMs };
  const files = openFileStore(fleet.config.home);
  const runner = startBatchRunner(fleet, files, (error) => options.log?.error("batches", { err: error }));
  // Only JSON: a form of another site's page can send text/plain without asking. Routes that take forms add them: form.ts.
  app.removeContentTypeParser("text/plain");
  const described = hearRoutes(app);
  nameAnswers(app);
  guard(app, options.host);
  const callers = openCallers(fleet);
  askForKeys(app, callers);
  addLogin(app, callers);
  boundBodies(app);
  boundArrival(app);
  wordErrors(app, options.log);
  addHealth(app, fleet);
  addOpenapi(app, described);
  addRequests(app, fleet, waiter, closing.signal);
  addRequestList(app, fleet);
  addRequestEvents(app, fleet);
  addTokenEvents(app, deps);
  addOpenai(app, deps);
  addFiles(app, fleet, files);
  addBatches(app, fleet, runner);
  addBatchExtras(app, { fleet, files, runner, closing: closing.signal });
  addWebhooks(app, fleet);
  addMessages(app, deps);
  addCountTokens(app, fleet);
  addMessageBatches(app, { fleet, files, runner, closing: closing.signal });
  addBoard(app, fleet);
  addDashboard(app, fleet, closing.signal);
  addMetrics(app, options.metricsText);

  await listen(app, fleet, options).catch(async (error: unknown) => {
    await runner.stop();
    throw error;
  });
  return {
    url: urlOf(app, options.host),
    routes,
    async close() {
      closing.abort();
      await app.close();
      await runner.stop();
      waiter.close();
    },
  };
}

/** To be called before any route is added. */
function noteRoutes(app: FastifyInstance): readonly ServerRoute[] {
  const routes: ServerRoute[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, path: url });
  });
  return routes;
}

/** By the names that the official clients look for; a request's own id takes their place where there is one. */
function nameAnswers(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({ "x-request-id": request.id, "request-id": request.id });
  });
}

async function listen(app: FastifyInstance, fleet: Fleet, { host, port, warn }: HttpOptions): Promise<void> {
  if (!isLoopback(host) && !(await anyKeys(fleet.ledger))) {
    const { key } = await createKey(fleet.ledger, { tenant: fleet.config.tenant, name: "first start", scope: "admin" });
    warn?.(`listening on ${host}, so every call needs an API key; this one may do everything: ${key}`);
  }
  await app.listen({ host, port });
}

function wordErrors(app: FastifyInstance, log: Log | undefined): void {
  app.setErrorHandler<Error>((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500)
      log?.error("http", { method: request.method, route: request.routeOptions.url, err: error });
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      status: 404,
      type: "not_found_error",
      code: "unknown_route",
      message: `There is no ${request.method} ${request.url.split("?")[0]}. See /, /board, /metrics, /readyz and /v1/requests.`,
    }),
  );
  app.addHook("onResponse", async (request, reply) => {
    const { method } = request;
    const fields = {
      method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    log?.debug("http", fields);
  });
}

export function addMetrics(app: FastifyInstance, metricsText: (() => Promise<string>) | undefined): void {
  if (metricsText === undefined) return;
  app.get("/metrics", { config: { doc: metricsDoc } }, async (_request, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metricsText()),
  );
}

export function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
