import { describe, expect, test } from "vitest";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { useServices } from "../support/services.ts";
import { allEnded, handIn, prompts, states } from "../support/work.ts";

const services = useServices();

const dispatched = (fleet: Fleet, count: number) =>
  eventually(`${count} have been dispatched`, async () => ((await states(fleet)).dispatched ?? 0) >= count);

describe("a feeder that is killed", () => {
  test("is replaced within five seconds by another one that stood by", async () => {
    const { fleet, worker } = await openScene(services);
    const leader = await worker("feeder");
    await handIn(fleet, prompts(1), { priority: "bulk" });
    await dispatched(fleet, 1);
    await worker("feeder");
    // The leader dispatches once more, so its lease is as fresh as can be when it dies.
    await handIn(fleet, prompts(1), { priority: "bulk" });
    await dispatched(fleet, 2);
    leader.kill("SIGKILL");
    await leader.ended;
    const since = performance.now();
    await handIn(fleet, prompts(1), { priority: "bulk" });
    await dispatched(fleet, 3);
    expect(performance.now() - since).toBeLessThan(5_000);
  });

  test("in the middle of a backlog loses nothing and dispatches nothing twice", async () => {
    const { fleet, simulator, worker } = await openScene(services, {
      simulator: { latency: { firstTokenMs: { p50: 20, p99: 40 }, perTokenMs: 0 } },
    });
    const leader = await worker("feeder");
    await Promise.all([worker("feeder", "reconciler"), worker("anthropic")]);
    await handIn(fleet, prompts(800), { priority: "bulk" });
    await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) > 100);
    leader.kill("SIGKILL");
    await leader.ended;
    expect(await allEnded(fleet)).toEqual({ succeeded: 800 });
    expect(simulator.summary().calls).toBe(800);
  });

  test("together with every other process leaves everything to those that start later", async () => {
    const { fleet, simulator, worker } = await openScene(services, {
      simulator: { latency: { firstTokenMs: { p50: 50, p99: 90 }, perTokenMs: 0 } },
    });
    const first = await Promise.all([worker("all"), worker("all")]);
    await handIn(fleet, prompts(500), { priority: "bulk" });
    await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) > 50);
    for (const process of first) process.kill("SIGKILL");
    await Promise.all(first.map((process) => process.ended));
    await (await services.redis()).flushall();
    await worker("all");
    expect(await allEnded(fleet)).toEqual({ succeeded: 500 });
    const [row] = await fleet.ledger.sql<{ lost: number }[]>`
      select count(*)::int as lost from attempts where outcome = 'lost'`;
    expect(simulator.summary().calls - 500).toBeLessThanOrEqual(row?.lost ?? 0);
  });
});
