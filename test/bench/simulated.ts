/** A simulator in a process of its own, so that its work is not measured with ours. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Simulator, SimulatorOptions } from "../../src/simulator/simulator.ts";

export interface SimulatorProcess {
  readonly baseUrls: Simulator["baseUrls"];
  end(): Promise<void>;
}

const started = z.object({
  baseUrls: z.object({ anthropic: z.string(), openai: z.string(), gemini: z.string() }),
});

export async function startSimulatorProcess(options: SimulatorOptions): Promise<SimulatorProcess> {
  const child = startBeside("test/bench/simulated-process.js", [JSON.stringify(options)]);
  const { baseUrls } = started.parse(await nextMessage(child));
  return { baseUrls, end: () => endChild(child) };
}

/** A built script with a line for messages; it is ended with this process, whatever ends it. */
export function startBeside(
  script: string,
  args: readonly string[],
  more: Parameters<typeof fork>[2] = {},
): ChildProcess {
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const child = fork(path, [...args], { stdio: ["ignore", "inherit", "inherit", "ipc"], ...more });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Rejects when the process ends instead. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  const first = await Promise.race([
    once(child, "message", { signal }).then(([message]: unknown[]) => ({ message })),
    once(child, "exit", { signal }).then(() => undefined),
  ]).finally(() => ended.abort());
  if (first === undefined) throw new Error("a process of the benchmark ended early");
  return first.message;
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
