/** Processes that a benchmark starts, waits for and ends, by pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const built = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
export const commandLine = built("producers/cli/main.js");
export const peerScript = built("test/bench/quota/peer.js");

export interface Child {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

/** Resolves when the process has said `words`; rejects with all its words when it ends before. */
export async function startChild(
  args: readonly string[],
  words: RegExp,
  environment: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Child> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [...args], {
    cwd,
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const ended = once(child, "close").then(() => running.delete(child));
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const hear = (text: string) => {
      said = (said + text).slice(-4_000);
      if (words.test(said)) resolve();
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    void ended.then(() => reject(new Error(`a process ended early:\n${said}`)));
  });
  return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), ended };
}

export async function endChildren(children: readonly Child[], signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  for (const child of children) child.kill(signal);
  await Promise.all(children.map((child) => child.ended));
}

const running = new Set<ChildProcess>();
// Whatever ends the benchmark ends its processes.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
