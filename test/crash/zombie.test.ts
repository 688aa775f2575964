/** A worker that is stopped longer than its leases, and wakes up: what it brings is fenced, what it spent is on the bill. */
import { expect, test } from "vitest";
import { keysOf } from "../../src/admission/scripts.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { useServices } from "../support/services.ts";
import { callsOf, ended, handIn, prompts, states } from "../support/work.ts";

const services = useServices();
const leaseMs = 2_000;

const outcomesOf = async (fleet: Fleet, id: string) => (await callsOf(fleet, id)).map((call) => call.outcome).sort();
const rescued = (fleet: Fleet, count: number) =>
  eventually(`${count} leases were found lost`, async () => {
    const [row] = await fleet.ledger.sql<
      { n: number }[]
    >`select count(*)::int as n from attempts where outcome = 'lost'`;
    return row?.n === count;
  });

/** Leases of calls that are held in Redis, of the one lane that is used here. */
const permits = async (): Promise<number> =>
  (await services.redis()).zcard(keysOf("anthropic", "anthropic.haiku", "anthropic/claude-haiku-4-5").leases);

test("it does not write over the result of another worker; its calls are superseded, with their cost", async () => {
  const { fleet, simulator, worker } = await openScene(services, {
    simulator: { latency: { firstTokenMs: { p50: 700, p99: 700 }, perTokenMs: 0 } },
    worker: { leaseMs, slotsPerLane: 5 },
  });
  await worker("feeder", "reconciler");
  const zombie = await worker("anthropic");
  const ids = await handIn(fleet, prompts(5), { priority: "bulk" });
  await eventually("five calls are under way", () => simulator.ledger().length === 5);
  zombie.kill("SIGSTOP");
  await rescued(fleet, 5);
  const other = await worker("anthropic");
  const results = new Map<string, string | undefined>();
  for (const id of ids) results.set(id, (await ended(fleet, id)).result?.text);
  zombie.kill("SIGCONT");
  for (const id of ids) {
    await eventually("its call is noted", async () => (await outcomesOf(fleet, id)).includes("superseded"));
    expect(await outcomesOf(fleet, id)).toEqual(["succeeded", "superseded"]);
    expect((await callsOf(fleet, id)).every((call) => call.costNanoUsd !== null)).toBe(true);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", result: { text: results.get(id) } });
  }
  expect(simulator.summary().calls).toBe(10);
  expect(await permits()).toBe(0);
  // It is as good as any other afterwards.
  other.kill("SIGKILL");
  await other.ended;
  const [id = ""] = await handIn(fleet, ["after that"], { priority: "interactive" });
  expect((await ended(fleet, id)).state).toBe("succeeded");
});

test("its calls that are still under way end, and hold no permit", async () => {
  const { fleet, simulator, worker } = await openScene(services, { worker: { leaseMs, slotsPerLane: 3 } });
  simulator.order({ kind: "hang", match: "stuck", times: 3 });
  await worker("feeder", "reconciler");
  const zombie = await worker("anthropic");
  const ids = await handIn(fleet, prompts(3, "stuck"), { priority: "bulk" });
  await eventually("three calls are under way", () => simulator.ledger().length === 3);
  zombie.kill("SIGSTOP");
  await rescued(fleet, 3);
  await worker("anthropic");
  for (const id of ids) expect((await ended(fleet, id)).state).toBe("succeeded");
  zombie.kill("SIGCONT");
  await eventually("none of its calls is open", () => simulator.ledger().every((call) => call.ended !== "open"));
  for (const id of ids) {
    await eventually("its call is noted", async () => (await outcomesOf(fleet, id)).includes("superseded"));
    expect(await outcomesOf(fleet, id)).toEqual(["succeeded", "superseded"]);
  }
  expect(await states(fleet)).toEqual({ succeeded: 3 });
  await eventually("no permit is held", async () => (await permits()) === 0, leaseMs * 2);
});

test("its answer counts while nobody else has been asked: the call is not made twice", async () => {
  const { fleet, simulator, worker } = await openScene(services, {
    simulator: { latency: { firstTokenMs: { p50: 700, p99: 700 }, perTokenMs: 0 } },
    worker: { leaseMs, slotsPerLane: 5 },
  });
  const feeder = await worker("feeder");
  const [zombie] = await Promise.all([worker("anthropic"), worker("reconciler")]);
  const ids = await handIn(fleet, prompts(5), { priority: "bulk" });
  await eventually("five calls are under way", () => simulator.ledger().length === 5);
  feeder.kill("SIGKILL");
  zombie.kill("SIGSTOP");
  await rescued(fleet, 5);
  zombie.kill("SIGCONT");
  for (const id of ids) {
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(await outcomesOf(fleet, id)).toEqual(["succeeded"]);
  }
  expect(simulator.summary().calls).toBe(5);
});
