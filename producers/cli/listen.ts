/**
 * Starting the HTTP server from the command line: a taken port is said with one that is free. The servers are loaded here
 * and not before: most commands serve nothing, and loading them takes longer than what those do.
 */
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { observeFleet } from "../http/fleet-gauges.ts";
import type { HttpServer } from "../http/server.ts";
import { CommandFailed } from "./exit.ts";
import type { Staying } from "./run-until-stopped.ts";
import type { Shell } from "./shell.ts";

export interface ListenOptions {
  readonly port?: number;
  readonly host?: string;
}

/** With gauges of the fleet in `/metrics`. */
export async function listen(
  shell: Shell,
  { fleet, telemetry, log }: Staying,
  options: ListenOptions,
): Promise<HttpServer> {
  const host = options.host ?? fleet.config.http.host;
  const port = options.port ?? fleet.config.http.port;
  const { startHttp } = await import("../http/server.ts");
  const gauges = observeFleet(fleet, telemetry.observe);
  try {
    const { metricsText } = telemetry;
    const warn = (line: string) => shell.note(`warning: ${line}`);
    const http = await startHttp(fleet, { host, port, metricsText, log, warn });
    return {
      url: http.url,
      async close() {
        await http.close();
        gauges.close();
      },
    };
  } catch (error) {
    gauges.close();
    throw (await portTrouble(error, host, port)) ?? error;
  }
}

/** Health and metrics of a process without an API. */
export async function listenForHealth({ fleet, telemetry }: Staying, options: ListenOptions): Promise<HttpServer> {
  const host = options.host ?? fleet.config.http.host;
  const port = options.port ?? 0;
  const { startHealth } = await import("../http/health-server.ts");
  try {
    return await startHealth(fleet, { host, port, metricsText: telemetry.metricsText });
  } catch (error) {
    throw (await portTrouble(error, host, port)) ?? error;
  }
}

async function portTrouble(error: unknown, host: string, port: number): Promise<CommandFailed | undefined> {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    const free = await freePort(port + 1);
    return new CommandFailed(
      `Port ${port} on ${host} is taken, maybe by another millrace. Use a free one: --port ${free} (or MILLRACE_PORT=${free}).`,
    );
  }
  if (code === "EACCES") return new CommandFailed(`Port ${port} needs more rights. Use one above 1023: --port 8787.`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new CommandFailed(`${host} is not an address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all.`);
  }
  return undefined;
}
