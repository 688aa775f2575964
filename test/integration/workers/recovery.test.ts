import { describe, expect, onTestFinished, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { batchById, batchCounts, openBatch, sealBatch } from "../../../src/ledger/batches.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { rescueExpiredLeases } from "../../../src/ledger/rescue.ts";
import { modelStats } from "../../../src/ledger/stats.ts";
import { startFeeder } from "../../../workers/feeder.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { eventually } from "../../support/eventually.ts";
import { openBeside, openTestFleet } from "../../support/fleet.ts";
import { answer, later, never, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, callsOf, ended, handIn, prompts, startWork, startWorker, states } from "../../support/work.ts";

const services = useServices();
const lane = "anthropic.haiku";

/** Requests with more than one recorded success: there must be none. */
const answeredTwice = async (fleet: Fleet): Promise<number> => {
  const [row] = await fleet.ledger.sql<{ n: number }[]>`
    select count(*)::int as n from (
      select request_id from attempts where outcome = 'succeeded' group by request_id having count(*) > 1) as twice`;
  return row?.n ?? 0;
};

describe("a Redis that loses its data", () => {
  test("in the middle of a run loses no request, and answers none twice", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider((call, io) => later(20, io, answer(call.prompt)));
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(400), { priority: "bulk" });
    await handIn(fleet, prompts(50), { priority: "interactive" });
    const redis = await services.redis();
    for (const done of [60, 150, 300]) {
      await eventually(`${done} are done`, async () => ((await states(fleet)).succeeded ?? 0) >= done);
      await redis.flushall();
    }
    expect(await allEnded(fleet)).toEqual({ succeeded: 450 });
    expect(await answeredTwice(fleet)).toBe(0);
    const [row] = await fleet.ledger.sql<
      { n: number }[]
    >`select count(*)::int as n from payloads where kind = 'result'`;
    expect(row?.n).toBe(450);
  });

  test("while nothing runs is noticed when the fleet starts", async () => {
    const fleet = await openTestFleet(services);
    const ids = await handIn(fleet, prompts(20), { priority: "interactive" });
    expect(await states(fleet)).toEqual({ dispatched: 20 });
    await (await services.redis()).flushall();
    await startWork(fleet, { anthropic: testProvider() });
    expect(await allEnded(fleet)).toEqual({ succeeded: 20 });
    expect((await requestById(fleet.ledger, ids[0] ?? ""))?.attempts).toBe(1);
  });
});

describe("a job that is not where it was put", () => {
  test("is put there again: removed on the board", async () => {
    const fleet = await openTestFleet(services);
    const [id = "", beside = ""] = await handIn(fleet, ["removed", "kept"], { priority: "interactive" });
    await fleet.lanes.remove(lane, { requestId: id, dispatchNo: 1, side: "express" });
    await fleet.ledger.sql`update requests set dispatched_at = now() - interval '1 minute'`;
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    expect((await ended(fleet, id)).state).toBe("succeeded");
    expect((await ended(fleet, beside)).state).toBe("succeeded");
    expect(anthropic.calls).toHaveLength(2);
  });

  test("is put there again: of another dispatch than its row", async () => {
    const fleet = await openTestFleet(services);
    const [id = ""] = await handIn(fleet, ["hello"], { priority: "interactive" });
    await fleet.ledger.sql`update requests set dispatched_at = now() - interval '1 minute', dispatch_no = 7`;
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    expect((await ended(fleet, id)).state).toBe("succeeded");
    expect(anthropic.calls).toHaveLength(1);
  });

  test("that is run twice by the board calls nobody the second time", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider((call) =>
      call.prompt === "bad" ? { ok: false, failure: { kind: "client", message: "no" } } : answer(call.prompt),
    );
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["bad"], { priority: "interactive" });
    await ended(fleet, id);
    const job = await eventually(
      "the job shows as failed",
      async () => (await fleet.lanes.queue(lane, "express").getFailed())[0],
    );
    await job.retry();
    await eventually(
      "the job has run again",
      async () => (await fleet.lanes.queue(lane, "express").getCompletedCount()) === 1,
    );
    expect(anthropic.calls).toHaveLength(1);
    expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "failed", attempts: 1 });
  });
});

describe("workers that are cut off", () => {
  test("lose the request to another one, are stopped, and their bill is kept", async () => {
    const fleet = await openTestFleet(services);
    const slow = testProvider((call, io) => (call.nth === 1 ? never(io) : answer(call.prompt)));
    await startWork(fleet, { anthropic: slow });
    const [id = ""] = await handIn(fleet, ["hello"]);
    await eventually("the call is under way", () => slow.underWay() === 1);
    // As when the worker could not renew its lease: it is thought dead.
    await eventually("the request was taken away", async () => {
      await fleet.ledger.sql`update requests set lease_until = now() - interval '1 second' where id = ${id}`;
      return (await rescueExpiredLeases(fleet.ledger)).requeued === 1;
    });
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded" });
    const outcomes = await eventually("both calls are noted", async () => {
      const calls = await callsOf(fleet, id);
      return calls.every((call) => call.outcome !== "lost") && calls.length === 2 && calls.map((call) => call.outcome);
    });
    expect([...outcomes].sort()).toEqual(["succeeded", "superseded"]);
    expect(slow.underWay()).toBe(0);
  });

  test("keep their leases as long as they live: a call may take much longer than a lease", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider((call, io) => later(4_500, io, answer(call.prompt)));
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"]);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(anthropic.calls).toHaveLength(1);
  });
});

describe("several of each kind", () => {
  test("feeders and reconcilers do the work once", async () => {
    const fleet = await openTestFleet(services);
    const beside = await Promise.all([openBeside(fleet), openBeside(fleet)]);
    const errors: unknown[] = [];
    const stops = [fleet, ...beside].flatMap((one) => [
      startFeeder(one, (error) => errors.push(error)),
      startReconciler(one, (error) => errors.push(error)),
    ]);
    onTestFinished(async () => {
      await Promise.all(stops.map((one) => one.stop()));
    });
    const anthropic = testProvider((call, io) => later(3, io, answer(call.prompt)));
    startWorker(fleet, { anthropic });
    for (const one of beside) startWorker(one, { anthropic });
    await Promise.all([fleet, ...beside].map((one) => handIn(one, prompts(200), { priority: "bulk" })));
    expect(await allEnded(fleet)).toEqual({ succeeded: 600 });
    expect(anthropic.calls).toHaveLength(600);
    const [row] = await fleet.ledger.sql<{ most: number }[]>`select max(dispatch_no)::int as most from requests`;
    expect([row?.most, errors]).toEqual([1, []]);
  });
});

test("the reconciler finishes batches and folds statistics in", async () => {
  const fleet = await openTestFleet(services);
  await startWork(fleet, { anthropic: testProvider() });
  const batch = await openBatch(fleet.ledger, { tenant: "t", source: "s", fingerprint: "f", options: {}, total: 0 });
  for (let no = 1; no <= 30; no += 1) {
    await handIn(fleet, [`line ${no}`], { batchId: batch.id, line: { no, customId: `c${no}`, shape: "plain" } });
  }
  await sealBatch(fleet.ledger, batch.id);
  await eventually(
    "the batch is completed",
    async () => (await batchById(fleet.ledger, batch.id))?.state === "completed",
  );
  expect(await batchCounts(fleet.ledger, batch.id)).toMatchObject({ accepted: 30, succeeded: 30 });
  const stats = await eventually("thirty calls are folded in", async () => {
    const { models } = await modelStats(fleet.ledger, 1);
    return models[0]?.calls === 30 && models[0];
  });
  expect(stats).toMatchObject({
    provider: "anthropic",
    succeeded: 30,
    inputTokens: 300,
    outputTokens: 150,
    unpriced: 0,
  });
});
