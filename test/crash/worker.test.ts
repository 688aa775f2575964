import { describe, expect, test } from "vitest";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { requestById } from "../../src/ledger/requests.ts";
import type { CliProcess } from "../support/cli.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { useServices } from "../support/services.ts";
import { allEnded, callsOf, ended, handIn, prompts, states } from "../support/work.ts";

const services = useServices();
const slowish = { firstTokenMs: { p50: 150, p99: 300 }, perTokenMs: 1 };

const killed = async (process: CliProcess): Promise<void> => {
  process.kill("SIGKILL");
  await process.ended;
};

/** What the ledger says of calls, and how many results are kept. */
async function account(fleet: Fleet) {
  const [row] = await fleet.ledger.sql<{ succeeded: number; lost: number; twice: number; results: number }[]>`
    select count(*) filter (where outcome = 'succeeded')::int as succeeded,
      count(*) filter (where outcome = 'lost')::int as lost,
      (select count(*)::int from (
        select 1 from attempts where outcome = 'succeeded' group by request_id having count(*) > 1) as again) as twice,
      (select count(*)::int from payloads where kind = 'result') as results
    from attempts`;
  if (row === undefined) throw new Error("no account");
  return row;
}

const done = (fleet: Fleet, count: number) =>
  eventually(`${count} have succeeded`, async () => ((await states(fleet)).succeeded ?? 0) >= count);

describe("a worker that is killed in the middle of its calls", () => {
  test("loses no request; each ends once, and calls made twice are counted", async () => {
    const { fleet, simulator, worker } = await openScene(services, { simulator: { latency: slowish } });
    await worker("feeder", "reconciler");
    const [doomed] = await Promise.all([worker("anthropic"), worker("anthropic")]);
    await handIn(fleet, prompts(400), { priority: "bulk" });
    await handIn(fleet, prompts(20), { priority: "interactive" });
    await done(fleet, 80);
    await killed(doomed);
    expect(await allEnded(fleet)).toEqual({ succeeded: 420 });
    const { succeeded, lost, twice, results } = await account(fleet);
    expect({ succeeded, twice, results }).toEqual({ succeeded: 420, twice: 0, results: 420 });
    expect(lost).toBeGreaterThan(0);
    const received = simulator.summary();
    expect(received.byCorrelation.distinct).toBe(420);
    expect(received.calls - 420).toBeLessThanOrEqual(lost);
  });

  test("is replaced by one that starts later, when it was the only one", async () => {
    const { fleet, worker } = await openScene(services, { simulator: { latency: slowish } });
    const everything = await worker("all");
    await handIn(fleet, prompts(150), { priority: "bulk" });
    await done(fleet, 30);
    await killed(everything);
    const left = await states(fleet);
    expect(left.running).toBeGreaterThan(0);
    await worker("all");
    expect(await allEnded(fleet)).toEqual({ succeeded: 150 });
    expect(await account(fleet)).toMatchObject({ succeeded: 150, twice: 0, results: 150 });
  });
});

describe("a request that takes its workers down with it", () => {
  test("is parked as failed after three of them, with its story; the others are answered", async () => {
    const { fleet, simulator, worker } = await openScene(services);
    simulator.order({ kind: "hang", match: "poison", times: 100 });
    await worker("feeder", "reconciler");
    const [poison = ""] = await handIn(fleet, ["poison"], { priority: "bulk" });
    await handIn(fleet, prompts(20), { priority: "bulk" });
    const poisoned = () => simulator.ledger().filter((call) => call.correlation === poison).length;
    for (let life = 1; life <= 3; life += 1) {
      const victim = await worker("anthropic");
      await eventually(`the poison was called ${life} times`, () => poisoned() === life);
      await eventually("the others are answered", async () => ((await states(fleet)).succeeded ?? 0) === 20);
      await killed(victim);
    }
    await worker("anthropic");
    expect(await ended(fleet, poison)).toMatchObject({
      state: "failed",
      attempts: 3,
      failure: { kind: "lost", message: "its worker was lost 3 times" },
    });
    expect((await callsOf(fleet, poison)).map((call) => call.outcome)).toEqual(["lost", "lost", "lost"]);
    expect(poisoned()).toBe(3);
    expect(await states(fleet)).toEqual({ succeeded: 20, failed: 1 });
  });
});

describe("SIGTERM", () => {
  test("lets calls in flight finish, hands nothing out, and ends with code 0", async () => {
    const { fleet, simulator, worker } = await openScene(services, {
      simulator: { latency: { firstTokenMs: { p50: 1_000, p99: 1_000 }, perTokenMs: 0 } },
      worker: { slotsPerLane: 5 },
    });
    await worker("feeder", "reconciler");
    const leaving = await worker("anthropic");
    await handIn(fleet, prompts(40), { priority: "bulk" });
    await eventually("five calls are under way", () => simulator.ledger().length === 5);
    const since = performance.now();
    leaving.kill("SIGTERM");
    expect((await leaving.ended).code).toBe(0);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(simulator.ledger().map((call) => call.ended)).toEqual(Array(5).fill("complete"));
    const now = await states(fleet);
    expect(now).toMatchObject({ succeeded: 5 });
    expect(now.running).toBeUndefined();
    await worker("anthropic");
    await eventually("the next five are answered", async () => ((await states(fleet)).succeeded ?? 0) >= 10);
    expect(await account(fleet)).toMatchObject({ lost: 0, twice: 0 });
  });

  test("hands back unspent, after the grace period, what does not finish", async () => {
    const { fleet, simulator, worker } = await openScene(services, { worker: { drainGraceMs: 300 } });
    simulator.order({ kind: "hang", match: "stuck", times: 100 });
    await worker("feeder");
    const leaving = await worker("anthropic");
    const ids = await handIn(fleet, prompts(3, "stuck"), { priority: "interactive" });
    await eventually("three calls are under way", () => simulator.ledger().length === 3);
    leaving.kill("SIGTERM");
    expect((await leaving.ended).code).toBe(0);
    for (const id of ids) {
      const request = await requestById(fleet.ledger, id);
      expect(request?.attempts).toBe(0);
      expect(["queued", "dispatched"]).toContain(request?.state);
      expect((await callsOf(fleet, id)).map((call) => call.outcome)).toEqual(["cancelled"]);
    }
    expect(simulator.ledger().map((call) => call.ended)).not.toContain("open");
  });

  test("a second time ends the process at once", async () => {
    const { fleet, simulator, worker } = await openScene(services, { worker: { drainGraceMs: 60_000 } });
    simulator.order({ kind: "hang", match: "stuck", times: 100 });
    const leaving = await worker("anthropic");
    await handIn(fleet, ["stuck"], { priority: "interactive" });
    await eventually("the call is under way", () => simulator.ledger().length === 1);
    leaving.kill("SIGTERM");
    await leaving.said(/Again to stop at once/);
    leaving.kill("SIGTERM");
    expect((await leaving.ended).code).toBe(1); // after its grace it would be 0
  });
});
