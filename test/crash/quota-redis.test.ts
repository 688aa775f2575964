import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { redisBinary, systemSearch } from "../../src/runtime/embedded/redis-binary.ts";
import { workFolder } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import {
  expectAllSucceed,
  expectLimitBound,
  lastAtMs,
  onTheWireMs,
  openQuotaScene,
  outputTokens,
  ownRefusals,
} from "../support/quota.ts";
import { useServices } from "../support/services.ts";
import { farther } from "../support/slow-redis.ts";

const services = useServices();

describe("a Redis that is 20 ms farther away", () => {
  test("causes no refusal, and every request ends", async () => {
    let ofWorkers = "";
    const scene = await openQuotaScene(services, {
      // Here output binds: 12 requests a second.
      limits: { outputTokensPerMinute: 40_000 },
      redisUrlOfWorkers: async (url) => {
        ofWorkers = await farther(url, 20);
        return ofWorkers;
      },
    });
    expect(await pingMs(ofWorkers)).toBeGreaterThanOrEqual(40);
    await scene.workers(3);
    await scene.handIn(300);
    await expectAllSucceed(scene, 300);
    const calls = scene.simulator.ledger();
    expect(ownRefusals(calls)).toEqual([]);
    expectLimitBound(calls, scene.limits.outputTokensPerMinute, outputTokens);
  }, 240_000);
});

describe("a Redis that is killed in the middle of a run", () => {
  test("lets nothing through while it is away, and comes back on its data without a refusal", async () => {
    const server = await ownRedis();
    const scene = await openQuotaScene(services, { redisUrl: server.url });
    const { simulator } = scene;
    await scene.workers(3);
    await scene.handIn(450);
    await scene.arrived(150);
    await server.kill();
    const killedAtMs = Date.now();
    await eventually("no call arrives any more", () => Date.now() - lastAtMs(simulator.ledger()) > 3_000, 30_000);
    expect(lastAtMs(simulator.ledger()) - killedAtMs).toBeLessThan(onTheWireMs);
    const made = simulator.ledger().length;
    await server.start();
    await expectAllSucceed(scene, 450);
    expect(made).toBeLessThan(400);
    expect(ownRefusals(simulator.ledger())).toEqual([]);
    expectLimitBound(simulator.ledger(), scene.limits.requestsPerMinute);
  }, 240_000);

  test("and loses its data, starts cold: no burst is granted twice", async () => {
    const scene = await openQuotaScene(services);
    const { redis, simulator } = scene;
    await scene.workers(3);
    await scene.handIn(450);
    for (const count of [150, 250]) {
      await scene.arrived(count);
      expect(await scene.underWay()).toBeGreaterThan(0);
      await redis.flushall();
    }
    await expectAllSucceed(scene, 450);
    expect(ownRefusals(simulator.ledger())).toEqual([]);
    expectLimitBound(simulator.ledger(), scene.limits.requestsPerMinute);
  }, 240_000);
});

async function pingMs(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    await redis.ping();
    const since = performance.now();
    await redis.ping();
    return performance.now() - since;
  } finally {
    redis.disconnect();
  }
}

/** A Redis of the test's own, with the settings of the embedded one, that can be killed and started again on its data. */
async function ownRedis() {
  const dir = workFolder();
  const [binary, port] = await Promise.all([redisBinary(() => {}, systemSearch), freePort(undefined)]);
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess;
  const kill = async () => {
    const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const start = async () => {
    const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"];
    child = spawn(binary, [...settings, "--appendonly", "yes", "--appendfsync", "everysec"], {
      cwd: dir,
      stdio: "ignore",
    });
    const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    redis.on("error", () => {}); // until it listens
    await redis.ping();
    redis.disconnect();
  };
  await start();
  onTestFinished(kill);
  return { url, start, kill };
}
