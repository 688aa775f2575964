/** The PostgreSQL server process that runs on a data folder, as its pid file and our record tell. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { argumentsOf, endProcess, isRunning, isTaken, type LiveProcess, liveProcess } from "./live-process.ts";
import { readRecord } from "./record.ts";

export interface Postmaster {
  process: LiveProcess;
  /** Known and true once it accepts connections. */
  port: number | undefined;
  ready: boolean;
}

/**
 * The server that runs on the data of `directory`, if one does.
 * A pid file whose pid a foreign process or a zombie has by now is removed, since PostgreSQL itself would believe it; its
 * second guard, the shared memory of the data folder, stays.
 */
export const findPostmaster = (directory: string): Postmaster | undefined => {
  const data = join(directory, "postgres");
  const pidFile = join(data, "postmaster.pid");
  const lines = readLines(pidFile);
  const recorded = readRecord(directory).postgres?.process;
  if (recorded && isRunning(recorded)) return { process: recorded, ...stateOf(lines, recorded) };
  const pid = Number(lines[0]);
  const named = liveProcess(pid);
  if (named && argumentsOf(pid).some((argument) => argument === data || argument.includes(`-D ${data} `))) {
    return { process: named, ...stateOf(lines, named) };
  }
  if (isTaken(pid)) rmSync(pidFile, { force: true });
  return undefined;
};

/** Ends it: a fast shutdown, and when that takes too long an immediate one (the next start recovers), then a kill. */
export const endPostmaster = (postmaster: Postmaster): Promise<void> =>
  endProcess(postmaster.process, [
    ["SIGINT", 60_000],
    ["SIGQUIT", 10_000],
    ["SIGKILL", 5_000],
  ]);

/** Lines of the pid file: pid, data folder, start, port, socket folder, address, shared memory, status. */
const stateOf = (lines: readonly string[], server: LiveProcess): Pick<Postmaster, "port" | "ready"> => {
  const itsOwn = Number(lines[0]) === server.pid;
  return { port: itsOwn ? Number(lines[3]) : undefined, ready: itsOwn && lines[7]?.trim() === "ready" };
};

const readLines = (path: string): string[] => {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
};
