/** `/healthz`, `/readyz` and `/metrics` of a process that serves nothing else. */
import fastify from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { guard } from "./guard.ts";
import { addHealth } from "./health.ts";
import { addMetrics, type HttpOptions, type HttpServer, urlOf } from "./server.ts";

/** Rejects with the system's error when it cannot listen. */
export async function startHealth(
  fleet: Pick<Fleet, "ledger" | "lanes">,
  options: Pick<HttpOptions, "host" | "port" | "metricsText">,
): Promise<HttpServer> {
  const app = fastify({ forceCloseConnections: true });
  guard(app, options.host);
  addHealth(app, fleet);
  addMetrics(app, options.metricsText);
  await app.listen({ host: options.host, port: options.port });
  return { url: urlOf(app, options.host), close: () => app.close() };
}
