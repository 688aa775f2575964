/**
 * A provider that answers every call with "overloaded" for a while, at a steady rate of requests over many processes: how
 * many calls are wasted on it, and how soon work goes on when it is back. Beside it, in the same run: the same without a
 * breaker, and with a breaker in each process.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { promptBody } from "../../src/request/body.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { bench } from "./bench.ts";
import type { CircuitPeerOrder } from "./circuit/peer.ts";
import { type Child, commandLine, endChildren, startChild } from "./quota/children.ts";

const model = "claude-haiku-4-5";
const pool = "anthropic.haiku";
const perSecond = 60;
const peerScript = fileURLToPath(new URL("./circuit/peer.js", import.meta.url));

interface Plan {
  readonly processes: number;
  readonly outageS: number;
  readonly coolDownMs: number;
}

interface Outcome {
  /** Calls that arrived while the provider was down. */
  readonly wasted: number;
  /** Seconds from its return to the first answer, and to as many answers in a second as requests come. */
  readonly firstAnswerS: number;
  readonly fullRateS: number;
}

/** Each arm has its own key, and with it limits and calls of its own. */
let keys = 0;

await bench("circuit", async ({ quick, fleet, say }) => {
  const plan: Plan = quick
    ? { processes: 4, outageS: 4, coolDownMs: 1_000 }
    : { processes: 16, outageS: 120, coolDownMs: 5_000 };
  say(`${plan.outageS} s down, ${perSecond} requests/s, ${plan.processes} processes, cool-down ${plan.coolDownMs} ms`);
  const figures: Record<string, number> = {};
  const shared = await arm(plan, (simulator, key) => openOurs(fleet, plan, simulator, key));
  tell("shared circuit", shared);
  const alone = await arm(plan, (simulator, key) => openPeer(fleet, plan, simulator, key, "perProcess"));
  tell("a breaker in each process", alone);
  const none = await arm(plan, (simulator, key) => openPeer(fleet, plan, simulator, key, "none"));
  tell("no breaker", none);
  figures["wastedCalls"] = shared.wasted;
  figures["firstAnswerS"] = shared.firstAnswerS;
  figures["fullRateS"] = shared.fullRateS;
  figures["perProcess.wastedCalls"] = alone.wasted;
  figures["perProcess.firstAnswerS"] = alone.firstAnswerS;
  figures["perProcess.fullRateS"] = alone.fullRateS;
  figures["noBreaker.wastedCalls"] = none.wasted;
  figures["noBreaker.firstAnswerS"] = none.firstAnswerS;
  figures["noBreaker.fullRateS"] = none.fullRateS;
  figures["wastedRatioToPerProcess"] = shared.wasted / Math.max(1, alone.wasted);
  figures["wastedRatioToNoBreaker"] = shared.wasted / Math.max(1, none.wasted);
  return figures;

  function tell(title: string, { wasted, firstAnswerS, fullRateS }: Outcome): void {
    say(
      `  ${title}: ${wasted} wasted, first answer after ${firstAnswerS.toFixed(1)} s, full rate after ${fullRateS.toFixed(1)} s`,
    );
  }
});

interface Arm {
  readonly children: readonly Child[];
  handIn(count: number): Promise<void>;
  close(): Promise<void>;
}

async function arm(plan: Plan, open: (simulator: Simulator, key: string) => Promise<Arm>): Promise<Outcome> {
  keys += 1;
  const simulator = await startSimulator({
    latency: { firstTokenMs: { p50: 100, p99: 400 }, perTokenMs: 1 },
    outputTokens: { p50: 20, p99: 30 },
    ledgerCalls: 1_000_000,
  });
  const running = await open(simulator, `sim-circuit-${1_000 + keys}`);
  let isOver = false;
  const producing = (async () => {
    for (let next = Date.now(); !isOver; next += 250) {
      await running.handIn(perSecond / 4);
      await sleep(Math.max(0, next + 250 - Date.now()));
    }
  })();
  try {
    await sleep(plan.outageS > 10 ? 5_000 : 2_000);
    const downAt = Date.now();
    simulator.order({ kind: "overloaded", forMs: plan.outageS * 1_000 });
    await sleep(plan.outageS * 1_000);
    const upAt = Date.now();
    const answered = () => simulator.ledger().filter((call) => call.status === 200 && call.atMs >= upAt);
    let fullRateS = Number.NaN;
    const until = upAt + 4 * plan.coolDownMs + 20_000;
    while (Number.isNaN(fullRateS) && Date.now() < until) {
      await sleep(100);
      fullRateS = secondsToFullRate(answered().map((call) => (call.atMs - upAt) / 1_000));
    }
    const calls = simulator.ledger();
    return {
      wasted: calls.filter((call) => call.fault === "overloaded" && call.atMs >= downAt).length,
      firstAnswerS: Math.min(...answered().map((call) => (call.atMs - upAt) / 1_000)),
      fullRateS,
    };
  } finally {
    isOver = true;
    await producing;
    await endChildren(running.children, "SIGKILL");
    await running.close();
    await simulator.close();
  }
}

/** The beginning of the first second in which as many calls were admitted as requests come; NaN: not yet. */
function secondsToFullRate(times: readonly number[]): number {
  const sorted = [...times].sort((one, other) => one - other);
  for (const [at, from] of sorted.entries()) {
    const last = sorted[at + perSecond - 1];
    if (last !== undefined && last - from <= 1) return from;
  }
  return Number.NaN;
}

async function openOurs(fleet: Fleet, plan: Plan, simulator: Simulator, key: string): Promise<Arm> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-circuit-"));
  const settings = {
    pools: { [pool]: { requestsPerMinute: 1_000_000, concurrency: 1_000 } },
    circuit: { coolDownMs: plan.coolDownMs },
  };
  await writeFile(join(directory, "millrace.json"), JSON.stringify(settings));
  const environment = {
    REDIS_URL: fleet.redisUrl,
    DATABASE_URL: fleet.databaseUrl,
    ANTHROPIC_API_KEY: key,
    ANTHROPIC_BASE_URL: simulator.baseUrls.anthropic,
    MILLRACE_LOG: "error",
  };
  const start = (...names: string[]) =>
    startChild([commandLine, "worker", ...names], /Working: /, environment, directory);
  const children = await Promise.all([
    start("feeder", "reconciler"),
    ...Array.from({ length: plan.processes }, () => start("anthropic")),
  ]);
  let handed = 0;
  return {
    children,
    async handIn(count) {
      const orders = Array.from({ length: count }, (_, at) => ({
        body: { ...promptBody(model, `question ${handed + at}`), maxOutputTokens: 32 },
        tenant: "bench",
        priority: "standard" as const,
      }));
      handed += count;
      await fleet.intake.accept(orders);
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function openPeer(
  fleet: Fleet,
  plan: Plan,
  simulator: Simulator,
  key: string,
  breaker: CircuitPeerOrder["breaker"],
): Promise<Arm> {
  const redis = new Redis(fleet.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(`circuit-${breaker}`, { connection: redis });
  const order: CircuitPeerOrder = {
    breaker,
    redisUrl: fleet.redisUrl,
    queue: queue.name,
    apiKey: key,
    baseUrl: simulator.baseUrls.anthropic,
    model,
    slots: 50,
    coolDownMs: plan.coolDownMs,
  };
  const environment = { PEER: JSON.stringify(order) };
  const children = await Promise.all(
    Array.from({ length: plan.processes }, () => startChild([peerScript], /peer works/, environment, process.cwd())),
  );
  let handed = 0;
  return {
    children,
    async handIn(count) {
      await queue.addBulk(
        Array.from({ length: count }, (_, at) => ({
          name: model,
          data: { prompt: `question ${handed + at}` },
          opts: { removeOnComplete: true, removeOnFail: true },
        })),
      );
      handed += count;
    },
    async close() {
      await queue.obliterate({ force: true }).catch(() => {});
      redis.disconnect();
    },
  };
}
