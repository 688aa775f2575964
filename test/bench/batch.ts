/**
 * A large batch over HTTP: 50,000 lines of 200 MB (5,000 of 20 MB in a short run) through OpenAI's own client, an API and workers in a
 * process each, as users start them, with Node's default flags, and the simulator. What the API's memory grows by at most,
 * from after its first batch on, and whether each line is answered once and in order.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { watchMemory } from "../support/memory.ts";
import { runNumbered } from "../support/numbered-batch.ts";
import { type Bench, bench, type Figures } from "./bench.ts";
import { endChild, startSimulatorProcess } from "./simulated.ts";

const main = fileURLToPath(new URL("../../producers/cli/main.js", import.meta.url));
const warmUpLines = 200;
/** Lines of four kilobytes. */
const words = 187;
const withinMs = 600_000;

const simulator = await startSimulatorProcess({ outputTokens: { p50: 5, p99: 10 } });
try {
  await bench("batch", (run) => measure(run, simulator.baseUrls.anthropic));
} finally {
  await simulator.end();
}

async function measure({ fleet, settings, quick, say }: Bench, providerUrl: string): Promise<Figures> {
  const environment = {
    PATH: process.env["PATH"],
    REDIS_URL: fleet.redisUrl,
    DATABASE_URL: fleet.databaseUrl,
    MILLRACE_HOME: fleet.config.home,
    MILLRACE_CONFIG: settings,
    MILLRACE_LOG: "error",
    ANTHROPIC_API_KEY: "sim-bench",
    ANTHROPIC_BASE_URL: providerUrl,
  };
  const api = await startCommand(["serve", "--port", "0"], environment, /Serving (http:\S+)/);
  const worker = await startCommand(["worker", "all"], environment, /Working: /);
  try {
    const client = new OpenAI({ baseURL: `${api.said[1]}/v1`, apiKey: "none", maxRetries: 0 });
    await runNumbered(client, warmUpLines, withinMs);
    const lines = quick ? 5_000 : 50_000;
    const { grown } = watchMemory(api.child.pid ?? 0);
    const began = performance.now();
    const { completed, answers, different, misplaced } = await runNumbered(client, lines, withinMs, words);
    const seconds = (performance.now() - began) / 1_000;
    say(`  ${lines} lines came back in ${seconds.toFixed(0)} s`);
    return {
      rssGrowthMb: grown() / 1_000_000,
      lines,
      completed,
      missing: lines - different,
      duplicates: answers - different,
      misplaced,
      linesPerSecond: lines / seconds,
    };
  } finally {
    await Promise.all([api, worker].map(({ child }) => endChild(child)));
  }
}

/** The built command line, once it has said these words. */
async function startCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  words: RegExp,
): Promise<{ readonly child: ChildProcess; readonly said: RegExpExecArray }> {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const said = await new Promise<RegExpExecArray>((resolve, reject) => {
    let text = "";
    child.once("exit", () => reject(new Error(`millrace ${args.join(" ")} ended early`)));
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const found = words.exec(text);
      if (found !== null) resolve(found);
    });
  });
  return { child, said };
}
