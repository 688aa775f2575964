import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ownRedis } from "../support/own-redis.ts";
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
