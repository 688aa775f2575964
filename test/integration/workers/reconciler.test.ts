import { setImmediate as turn } from "node:timers/promises";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { recallOtherEpochs } from "../../../src/ledger/rescue.ts";
import { pauseLane, resumeLane } from "../../../src/ledger/toggles.ts";
import type { NewLaneJob, Side } from "../../../src/queue/lane-job.ts";
import { startFeeder } from "../../../workers/feeder.ts";
import { openJobCheck } from "../../../workers/job-check.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { eventually } from "../../support/eventually.ts";
import { openBeside, openTestFleet } from "../../support/fleet.ts";
import { ownRedis } from "../../support/own-redis.ts";
import { answer, later, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, type Errors, handIn, prompts, startWork, startWorker, states } from "../../support/work.ts";

const services = useServices();
const lane = "anthropic.haiku";

function reconcile(fleet: Fleet): Errors {
  const errors: Errors = [];
  const reconciler = startReconciler(fleet, (error) => errors.push(error));
  onTestFinished(() => reconciler.stop());
  return errors;
}

const waiting = async (fleet: Fleet, side: Side) => (await fleet.lanes.depth(lane, side)).waiting;

async function pause(fleet: Fleet): Promise<void> {
  await pauseLane(fleet.ledger, lane);
  await fleet.lanes.pause(lane);
}

const strayJob = (side: Side): NewLaneJob => ({
  lane,
  side,
  model: "claude-haiku-4-5",
  priority: side === "express" ? 1 : 3,
  requestId: uuidv7(),
  dispatchNo: 1,
  tenant: "t",
});

describe("a Redis that was started again on its data", () => {
  test("gets its jobs anew, and the old ones are removed: no request is called twice", async () => {
    const own = await ownRedis();
    const fleet = await openTestFleet(services, { environment: { REDIS_URL: own.url } });
    await handIn(fleet, prompts(20), { priority: "interactive" });
    const before = await fleet.lanes.epoch();
    await pause(fleet);
    await own.kill();
    await own.start();
    expect(await waiting(fleet, "express")).toBe(20);
    expect(await fleet.lanes.epoch()).not.toBe(before);
    reconcile(fleet);
    await eventually("the old jobs are gone", async () => (await waiting(fleet, "express")) === 0);
    expect(await states(fleet)).toEqual({ queued: 20 });
    await resumeLane(fleet.ledger, lane);
    await fleet.lanes.resume(lane);
    const anthropic = testProvider();
    const errors: Errors = [];
    await startWork(fleet, { anthropic }, errors);
    expect(await allEnded(fleet)).toEqual({ succeeded: 20 });
    expect(anthropic.calls).toHaveLength(20);
    expect(errors).toEqual([]);
  });
});

test("a Redis whose user may not ask about the server itself serves all the same", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {}); // by its client, for each connection
  onTestFinished(() => warned.mockRestore());
  const own = await ownRedis();
  await own.redis.acl("SETUSER", "guarded", "on", ">secret", "~*", "&*", "+@all", "-@dangerous");
  const fleet = await openTestFleet(services, {
    environment: { REDIS_URL: own.url.replace("//", "//guarded:secret@") },
  });
  const errors: Errors = [];
  await startWork(fleet, { anthropic: testProvider() }, errors);
  await handIn(fleet, prompts(20), { priority: "bulk" });
  await handIn(fleet, prompts(20), { priority: "interactive" });
  expect(await allEnded(fleet)).toEqual({ succeeded: 40 });
  expect(errors).toEqual([]);
});

describe("calls under way while Redis forgets everything", () => {
  test("keep their slots: the provider never has more of them than its concurrency", async () => {
    const cap = 6;
    const fleet = await openTestFleet(services, {
      settings: { pools: { [lane]: { requestsPerMinute: 10_000_000, concurrency: cap } }, worker: { leaseMs: 10_000 } },
    });
    let most = 0;
    const anthropic = testProvider((call, io) => {
      most = Math.max(most, anthropic.underWay());
      return later(150, io, answer(call.prompt));
    });
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(60), { priority: "bulk" });
    await handIn(fleet, prompts(60), { priority: "interactive" });
    const redis = await services.redis();
    for (const made of [12, 30, 50, 70, 90]) {
      await eventually(`${made} calls were made`, () => anthropic.calls.length >= made && anthropic.underWay() >= 4);
      await redis.flushall();
    }
    expect(await allEnded(fleet)).toEqual({ succeeded: 120 });
    expect(most).toBe(cap);
    expect(anthropic.calls).toHaveLength(120);
    await eventually("no permit is left", async () => {
      const left = await redis.keys("millrace:{anthropic}:leases:*");
      return left.length === 0;
    });
  });
});

describe("jobs that mean nothing any more", () => {
  test("are removed from a paused lane, on both sides; the others stay and are run when it goes on", async () => {
    const fleet = await openTestFleet(services);
    await pause(fleet);
    const [first = "", , third = ""] = await handIn(fleet, prompts(5), { priority: "interactive" });
    for (const id of [first, third]) await cancelRequest(fleet.ledger, id);
    await fleet.lanes.add([strayJob("main"), strayJob("main"), strayJob("express")]);
    expect([await waiting(fleet, "main"), await waiting(fleet, "express")]).toEqual([2, 6]);
    const errors = reconcile(fleet);
    await eventually("three are left", async () => (await waiting(fleet, "express")) === 3);
    expect(await waiting(fleet, "main")).toBe(0);
    const anthropic = testProvider();
    startWorker(fleet, { anthropic });
    await resumeLane(fleet.ledger, lane);
    await fleet.lanes.resume(lane);
    expect(await allEnded(fleet)).toEqual({ succeeded: 3, cancelled: 2 });
    expect(errors).toEqual([]);
  });

  test("are removed a thousand at a look, and behind those that stay", async () => {
    const fleet = await openTestFleet(services);
    await handIn(fleet, prompts(10), { priority: "interactive" });
    await fleet.lanes.add(Array.from({ length: 2_300 }, () => strayJob("express")));
    const check = openJobCheck(fleet);
    const looks = [];
    for (let look = 0; look < 4; look += 1) looks.push(await check.removeStray());
    expect(looks).toEqual([990, 1_000, 310, 0]);
    expect(await waiting(fleet, "express")).toBe(10);
  });

  test("are left alone where a worker has them in hand, and where somebody else made them", async () => {
    const fleet = await openTestFleet(services);
    let end = () => {};
    const anthropic = testProvider(
      (call) =>
        new Promise((resolve) => {
          end = () => resolve(answer(call.prompt));
        }),
    );
    const errors: Errors = [];
    startWorker(fleet, { anthropic }, errors);
    await fleet.lanes.queue("openai.gpt-5", "main").add("by hand", {}, { jobId: "by-hand", priority: 1 });
    const [id = ""] = await handIn(fleet, ["hello"], { priority: "interactive" });
    await eventually("the call is under way", () => anthropic.underWay() === 1);
    // As a job that was fetched between the two looks.
    await fleet.lanes.remove(lane, { requestId: id, dispatchNo: 1, side: "express" });
    expect(await openJobCheck(fleet).removeStray()).toBe(0);
    end();
    expect(await allEnded(fleet)).toEqual({ succeeded: 1 });
    await eventually(
      "its job is completed",
      async () => (await fleet.lanes.queue(lane, "express").getCompletedCount()) === 1,
    );
    expect(await fleet.lanes.queue("openai.gpt-5", "main").getJob("by-hand")).toBeDefined();
    expect(errors).toEqual([]);
  });
});

describe("several reconcilers and feeders at once on the same rows", () => {
  test("lose nothing, call nobody twice and record nothing twice, while all of them lead and rows are recalled all the time", async () => {
    const fleet = await openTestFleet(services);
    const beside = await openBeside(fleet);
    const fleets = [fleet, beside];
    const errors: Errors = [];
    const note = (error: unknown) => errors.push(error);
    const stops = fleets.flatMap((one) => [startFeeder(one, note), startReconciler(one, note)]);
    onTestFinished(async () => {
      await Promise.all(stops.map((one) => one.stop()));
    });
    const anthropic = testProvider((call, io) => later(5, io, answer(call.prompt)));
    for (const one of fleets) startWorker(one, { anthropic }, errors);

    let isOver = false;
    const redis = await services.redis();
    const pools = [...fleet.config.catalog.pools.keys(), "reconciler"];
    const meddle = async (one: Fleet, at: number) => {
      // No grace: rows that were dispatched this moment look as if their job was missing.
      const check = openJobCheck(one, 0);
      while (!isOver) {
        await redis.del(...pools.map((name) => `millrace:leader:{${name}}`));
        await check.recallMissing();
        await check.removeStray();
        if (at === 0) await recallOtherEpochs(one.ledger, "another");
        await turn();
      }
    };
    const meddling = Promise.all(fleets.map(meddle));
    await handIn(fleet, prompts(150), { priority: "bulk" });
    await handIn(beside, prompts(50), { priority: "interactive" });
    await eventually("half of them are done", async () => ((await states(fleet)).succeeded ?? 0) >= 100);
    await redis.flushall();
    await eventually("most of them are done", async () => ((await states(fleet)).succeeded ?? 0) >= 150);
    isOver = true;
    await meddling;
    expect(await allEnded(fleet)).toEqual({ succeeded: 200 });
    expect(anthropic.calls).toHaveLength(200);
    const [row] = await fleet.ledger.sql<{ attempts: number; results: number; most: number }[]>`
      select (select count(*)::int from attempts) as attempts, (select max(dispatch_no)::int from requests) as most,
        (select count(*)::int from payloads where kind = 'result') as results`;
    expect(row).toMatchObject({ attempts: 200, results: 200 });
    expect(row?.most).toBeGreaterThan(2);
    expect(errors).toEqual([]);
  });
});
