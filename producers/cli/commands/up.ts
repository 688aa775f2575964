/** `millrace up`: everything in one process. */
import type { Command } from "commander";
import { startAll } from "../../../workers/all.ts";
import { boardPath } from "../../http/board-path.ts";
import type { HttpServer } from "../../http/server.ts";
import { noKeys, providersWithKey } from "../keys.ts";
import { type ListenOptions, listen } from "../listen.ts";
import { wholeNumber } from "../number-option.ts";
import { runUntilStopped, type Staying } from "../run-until-stopped.ts";
import { openShell, type Shell } from "../shell.ts";
import { type SimulationOptions, withSimulationOptions } from "../simulator-options.ts";
import { openSimulatorSession, type SimulatorSession } from "../simulator-session.ts";
import { withJson } from "./batch-options.ts";

interface UpOptions extends ListenOptions, SimulationOptions {
  readonly simulate?: boolean;
  readonly json?: boolean;
}

export function registerUp(program: Command): void {
  const command = program
    .command("up")
    .description("everything in one process: services, feeder, reconciler, workers, HTTP, Bull Board")
    .option("--simulate", "with a provider simulator instead of real providers: no keys needed, nothing is spent");
  withSimulationOptions(withListenOptions(withJson(command)), "fast").action(up);
}

export const withListenOptions = (command: Command): Command =>
  command
    .option("--port <n>", "port of HTTP, default 8787; 0 takes a free one", wholeNumber(0, 65_535))
    .option("--host <address>", "address to listen on, default 127.0.0.1");

async function up(options: UpOptions): Promise<void> {
  const shell = openShell(options);
  const session = options.simulate === true ? await openSimulatorSession(process.cwd(), options) : undefined;
  try {
    const environment = session === undefined ? {} : { environment: session.environment };
    await runUntilStopped(shell, { service: "millrace", ...environment }, async (staying) => {
      const http = await listen(shell, staying, options);
      const { onError, log, giveUp } = staying;
      const workers = await startAll(staying.fleet, { onError, say: log.warn, onTrouble: giveUp });
      announce(shell, staying, http, session);
      return async () => {
        await http.close();
        await workers.drain(staying.fleet.config.worker.drainGraceMs);
      };
    });
  } finally {
    await session?.close();
  }
}

function announce(shell: Shell, { fleet }: Staying, http: HttpServer, session: SimulatorSession | undefined): void {
  const serving = providersWithKey(fleet);
  shell.result({
    url: http.url,
    dashboard: `${http.url}/`,
    board: `${http.url}${boardPath}`,
    simulator: session?.simulator.url ?? null,
    providers: serving,
  });
  shell.line(`Millrace is up. Providers: ${serving.length === 0 ? "none" : serving.join(", ")}`);
  if (session !== undefined) shell.line(`  simulator    ${session.simulator.url}`);
  shell.line(`  dashboard    ${http.url}/`);
  shell.line(`  Bull Board   ${http.url}${boardPath}`);
  shell.line(`  metrics      ${http.url}/metrics      readiness ${http.url}/readyz`);
  shell.line(`  one request  npx millrace run "Say hello" --stream`);
  shell.line(`  a batch      npx millrace batch run examples/prompts.jsonl`);
  shell.line(
    `  over HTTP    curl -s '${http.url}/v1/requests?wait_ms=60000' -H 'content-type: application/json' -d '{"prompt":"Say hello"}'`,
  );
  if (serving.length === 0) shell.note(noKeys(fleet));
  shell.line("Ctrl-C drains and stops.");
}
