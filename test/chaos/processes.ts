/** Processes under a supervisor: who ends is started again, as an init system or an orchestrator would. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/dist\/$/, "");
export const built = (path: string): string => `${root}dist/${path}`;
export const source = (path: string): string => `${root}${path}`;

export interface Role {
  readonly name: string;
  readonly args: readonly string[];
  /** Said when it works. */
  readonly ready: RegExp;
}

export interface Supervised {
  readonly name: string;
  kill(signal: NodeJS.Signals): void;
  /** How often it ended without being killed. */
  exits(): number;
  /** The last words of it, over all its lives. */
  words(): string;
  end(): Promise<void>;
}

const restartMs = 300;

const running = new Set<() => void>();
// Whatever ends the run ends its processes.
process.once("exit", () => {
  for (const kill of running) kill();
});

/** Resolves when its first life works. */
export async function supervise(
  role: Role,
  options: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
): Promise<Supervised> {
  const { PATH = "", HOME = "" } = process.env;
  let said = "";
  let exits = 0;
  let isEnding = false;
  let child: ChildProcess;
  let works = () => {};
  const first = new Promise<void>((resolve) => {
    works = resolve;
  });
  const start = () => {
    const life = spawn(process.execPath, [...role.args], {
      cwd: options.cwd,
      env: { PATH, HOME, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = life;
    const hear = (text: string) => {
      said = (said + text).slice(-8_000);
      if (role.ready.test(said)) works();
    };
    life.stdout.setEncoding("utf8").on("data", hear);
    life.stderr.setEncoding("utf8").on("data", hear);
    life.once("close", (code, signal) => {
      hear(`[ended: ${signal ?? code}]\n`);
      if (!isEnding && signal !== "SIGKILL") exits += 1;
      if (!isEnding) setTimeout(() => isEnding || start(), restartMs);
    });
  };
  start();
  running.add(() => child.kill("SIGKILL"));
  await first;
  return {
    name: role.name,
    kill: (signal) => void child.kill(signal),
    exits: () => exits,
    words: () => said,
    async end() {
      isEnding = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
