/** A server that outlives us: in a session of its own, writing to a log file, watched only while it starts. */
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
  /** Undefined when it could not be spawned or is gone already. */
  process: LiveProcess | undefined;
  /** How it is: how it ended, or that it still runs. */
  state(): string;
  log: ServerLog;
}

/** What servers run with: messages in English, and nothing of ours (keys least of all). */
export const serverEnvironment = { LC_ALL: "C", PATH: "/usr/local/bin:/usr/bin:/bin" };

/** Spawns a server that a Ctrl-C in our terminal does not reach and that does not keep us alive. */
export const spawnServer = ({ file, args, identity, cwd, logPath }: ServerCommand): StartedServer => {
  const log = openServerLog(logPath);
  const output = log.descriptor;
  let ended: string | undefined;
  const child = spawn(file, args, {
    ...identity,
    cwd,
    env: serverEnvironment,
    detached: true,
    stdio: ["ignore", output, output],
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
  });
  child.unref();
  log.close();
  const started = child.pid === undefined ? undefined : liveProcess(child.pid);
  const state = () => ended ?? (started && isRunning(started) ? "it runs but does not answer" : "it ended at once");
  return { process: started, state, log };
};
