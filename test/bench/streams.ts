/**
 * What an open stream costs a worker in memory: one worker process reads 500 streams at once (250 in a short run) from a simulator in another
 * process, each to a reader's Redis stream as well. Resident memory with all of them open, less that of the same worker
 * before, less what has come so far: while Node collects when it likes, then with a collection at every look; and what is
 * in use right after a collection. A fresh worker for each provider.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { promptBody } from "../../src/request/body.ts";
import { startFeeder } from "../../workers/feeder.ts";
import { bench, type Figures, median } from "./bench.ts";
import { startSimulatorProcess } from "./simulated.ts";
import { type MeasuredWorker, startMeasuredWorker, type WorkerMemory } from "./streams/measured-worker.ts";

const subjects = [
  { provider: "anthropic", model: "claude-haiku-4-5" },
  { provider: "openai", model: "gpt-4o-mini" },
  { provider: "gemini", model: "gemini-2.5-flash" },
] as const;

const quick = process.argv.includes("--quick");
/** A short run has no time to open them all on a busy machine. */
const streams = quick ? 250 : 500;
/** All are open together for seconds. */
const outputTokens = quick ? 250 : 1_000;
const firstTokenMs = 1_000;
const perTokenMs = 20;
const warmUps = 20;
const prompt = "Summarise the ticket below in one line. ".repeat(100);

const simulator = await startSimulatorProcess({
  latency: { firstTokenMs: { p50: firstTokenMs, p99: firstTokenMs }, perTokenMs },
  outputTokens: { p50: outputTokens, p99: outputTokens },
  outputFromPrompt: true,
});
const environment = {
  ANTHROPIC_API_KEY: "sim-bench",
  ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
  OPENAI_API_KEY: "sim-bench",
  OPENAI_BASE_URL: simulator.baseUrls.openai,
  GOOGLE_API_KEY: "sim-bench",
  GEMINI_BASE_URL: simulator.baseUrls.gemini,
};

try {
  await bench("streams", ({ fleet, settings, say }) => measureAll(fleet, settings, say), environment);
} finally {
  await simulator.end();
}

async function measureAll(fleet: Fleet, settings: string, say: (line: string) => void): Promise<Figures> {
  const found: Record<string, number> = {};
  const feeder = startFeeder(fleet, (error) => {
    throw error;
  });
  try {
    for (const { provider, model } of subjects) {
      const worker = await startMeasuredWorker(provider, {
        ...environment,
        MILLRACE_CONFIG: settings,
        REDIS_URL: fleet.redisUrl,
        DATABASE_URL: fleet.databaseUrl,
      });
      try {
        Object.assign(found, await measure(fleet, worker, { provider, model }, say));
      } finally {
        await worker.end();
      }
    }
  } finally {
    await feeder.stop();
  }
  return found;
}

async function measure(
  fleet: Fleet,
  worker: MeasuredWorker,
  { provider, model }: { readonly provider: string; readonly model: string },
  say: (line: string) => void,
): Promise<Figures> {
  // Everything is loaded and has run once.
  await handIn(fleet, model, `[output 20] ${prompt}`, warmUps);
  while ((await succeeded(fleet, model)) < warmUps) await sleep(50);
  const before = await worker.memory("collected");
  await handIn(fleet, model, prompt, streams);
  const looks: WorkerMemory[] = [];
  const collectedLooks: WorkerMemory[] = [];
  let allOpenMs: number | undefined;
  while ((await succeeded(fleet, model)) < warmUps + streams) {
    // On a busy machine streams begin far apart: all are open together for less than each is.
    const isLate = allOpenMs !== undefined && performance.now() - allOpenMs > (outputTokens * perTokenMs) / 4;
    const now = await worker.memory(isLate ? "collected" : "as it is");
    if (now.open === streams) {
      allOpenMs ??= performance.now();
      (isLate ? collectedLooks : looks).push(now);
    }
    await sleep(100);
  }
  const most = Math.max(...looks.map(({ rss }) => rss));
  const payload = Math.max(...looks.map((look) => look.payload)) / streams / 1_024;
  say(
    `  ${provider}: ${mb(before.rss)} MB before, ${mb(most)} MB with ${streams} open, of which ${payload.toFixed(1)} KB a stream are payload`,
  );
  const seen = Math.min(looks.length, collectedLooks.length);
  if (seen < 5) throw new Error(`${provider}: all streams were seen open together ${seen} times only`);
  const kb = (what: "rss" | "held", of: readonly WorkerMemory[]) =>
    of.map((look) => (look[what] - before[what] - look.payload) / streams / 1_024);
  return {
    [`${provider}KbPerStream`]: median(kb("rss", looks)),
    [`${provider}MostKbPerStream`]: Math.max(...kb("rss", looks)),
    // The first collection has yet to give back what was there before it.
    [`${provider}CollectedKbPerStream`]: median(kb("rss", collectedLooks.slice(1))),
    [`${provider}HeldKbPerStream`]: median(kb("held", collectedLooks)),
  };
}

async function handIn(fleet: Fleet, model: string, text: string, count: number): Promise<void> {
  const order = {
    body: { ...promptBody(model, text), stream: true },
    tenant: "bench",
    priority: "standard" as const,
    replyWanted: true,
  };
  const taken = await fleet.intake.accept(Array.from({ length: count }, () => order));
  const refused = taken.find((entry) => !entry.ok);
  if (refused !== undefined) throw new Error(`an order was refused: ${JSON.stringify(refused)}`);
}

/** Throws when one has failed. */
async function succeeded({ ledger }: Fleet, model: string): Promise<number> {
  const rows = await ledger.sql<{ state: string; n: number }[]>`
    select state, count(*)::int as n from requests where model = ${model} group by state`;
  if (rows.some(({ state }) => state === "failed")) throw new Error(`a request of ${model} failed`);
  return rows.find(({ state }) => state === "succeeded")?.n ?? 0;
}

function mb(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}
