/** `millrace serve`: the HTTP server alone. */
import type { Command } from "commander";
import { boardPath } from "../../http/board-path.ts";
import { type ListenOptions, listen } from "../listen.ts";
import { runUntilStopped } from "../run-until-stopped.ts";
import { openShell } from "../shell.ts";
import { withJson } from "./batch-options.ts";
import { withListenOptions } from "./up.ts";

export function registerServe(program: Command): void {
  const command = program.command("serve").description("HTTP API, Bull Board, health and metrics; no workers");
  withListenOptions(withJson(command)).action(serve);
}

async function serve(options: ListenOptions & { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await runUntilStopped(shell, { service: "millrace-api" }, async (staying) => {
    const http = await listen(shell, staying, options);
    shell.result({ url: http.url, dashboard: `${http.url}/`, board: `${http.url}${boardPath}` });
    shell.line(
      `Serving ${http.url} (dashboard there, Bull Board at ${http.url}${boardPath}). Requests wait until a worker runs.`,
    );
    return () => http.close();
  });
}
