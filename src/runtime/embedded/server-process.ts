/**
 * A server that outlives us: in a session of its own, writing to a log file, watched only while it starts.
 *
 * Invariant: no server runs that is not recorded. A shell waits with our word on its standard input and becomes the
 * server once the record is written; when we are killed in between, it reads the end of the pipe and goes.
 */
import { spawn } from "node:child_process";
import { isRunning, type LiveProcess, liveProcess } from "./live-process.ts";
import { openServerLog, type ServerLog } from "./server-log.ts";

export interface ServerCommand {
  file: string;
  args: readonly string[];
  identity: { uid?: number; gid?: number };
  cwd: string;
  logPath: string;
}

export interface StartedServer {
  /** How it is: how it ended, or that it still runs. */
  state(): string;
  log: ServerLog;
}

/** What servers run with: messages in English, and nothing of ours (keys least of all). */
export const serverEnvironment = { LC_ALL: "C", PATH: "/usr/local/bin:/usr/bin:/bin" };

/**
 * Starts a server that a Ctrl-C in our terminal does not reach and that does not keep us alive.
 * @param record writes down its process, at once; the server starts after that
 */
export const startServer = (command: ServerCommand, record: (process: LiveProcess) => void): StartedServer => {
  const log = openServerLog(command.logPath);
  const output = log.descriptor;
  let ended: string | undefined;
  const child = spawn("/bin/sh", ["-c", 'read -r go && exec "$0" "$@" </dev/null', command.file, ...command.args], {
    ...command.identity,
    cwd: command.cwd,
    env: serverEnvironment,
    detached: true,
    stdio: ["pipe", output, output],
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
  });
  // It may be gone before it reads; its exit tells more than a broken pipe.
  child.stdin?.on("error", () => {});
  child.unref();
  log.close();
  const started = child.pid === undefined ? undefined : liveProcess(child.pid);
  if (started) record(started);
  child.stdin?.end("go\n");
  const state = () => ended ?? (started && isRunning(started) ? "it runs but does not answer" : "it ended at once");
  return { state, log };
};
