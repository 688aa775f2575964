/**
 * Where the services of a run are: one PostgreSQL and one Redis for each slot of vitest, started by the first file that
 * needs them there, used by the files of that slot one after the other, and ended here when the run ends or is broken off.
 */
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { isRunning } from "../../src/runtime/embedded/live-process.ts";
import { findPostmaster } from "../../src/runtime/embedded/postmaster.ts";
import { knownRedis } from "../../src/runtime/embedded/redis-data.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A folder for one folder of services per slot. */
    servicesOfRun: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "millrace-test-")));
  project.provide("servicesOfRun", folder);
  const end = () => endServices(folder);
  process.once("exit", end); // Ctrl-C does not call what is returned
  return end;
}

/** At once: nobody needs their data any more. */
function endServices(folder: string): void {
  for (const slot of existsSync(folder) ? readdirSync(folder) : []) {
    const directory = join(folder, slot);
    const servers = [
      [findPostmaster(directory)?.process, "SIGQUIT"],
      [knownRedis(directory)?.process, "SIGKILL"],
    ] as const;
    for (const [server, signal] of servers) if (server && isRunning(server)) process.kill(server.pid, signal);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
