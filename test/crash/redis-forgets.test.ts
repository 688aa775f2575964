import { expect, test } from "vitest";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { useServices } from "../support/services.ts";
import { allEnded, handIn, prompts } from "../support/work.ts";

const services = useServices();

test("a fleet whose Redis forgets everything again and again never has more calls under way than the provider takes", async () => {
  const concurrency = 8;
  const { fleet, simulator, worker } = await openScene(services, {
    simulator: {
      limits: { anthropic: { concurrency } },
      latency: { firstTokenMs: { p50: 400, p99: 800 }, perTokenMs: 1 },
    },
    pools: { "anthropic.haiku": { requestsPerMinute: 10_000_000, concurrency } },
    worker: { leaseMs: 20_000 },
  });
  await Promise.all([worker("feeder", "reconciler"), worker("anthropic"), worker("anthropic"), worker("anthropic")]);
  await handIn(fleet, prompts(40), { priority: "bulk" });
  await handIn(fleet, prompts(40), { priority: "interactive" });
  const redis = await services.redis();
  for (const made of [15, 35, 55]) {
    await eventually(`${made} calls were made`, () => simulator.ledger().length >= made);
    expect(simulator.ledger().filter((call) => call.ended === "open").length).toBeGreaterThan(0);
    await redis.flushall();
  }
  expect(await allEnded(fleet)).toEqual({ succeeded: 80 });
  const calls = simulator.ledger();
  expect(calls.filter((call) => call.refusedBy !== undefined)).toEqual([]);
  expect(calls).toHaveLength(80);
}, 120_000);
