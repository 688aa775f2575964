import { describe, expect, onTestFinished, test } from "vitest";
import { shapeOf } from "../../../src/admission/shape.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { cancelRequest, releaseHeld, requestById } from "../../../src/ledger/requests.ts";
import { pauseLane, resumeLane } from "../../../src/ledger/toggles.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet, unlimited } from "../../support/fleet.ts";
import { answer, later, never, type ReceivedCall, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import {
  allEnded,
  callsOf,
  type Errors,
  ended,
  handIn,
  inState,
  prompts,
  startWork,
  startWorker,
} from "../../support/work.ts";

const services = useServices();
const lane = "anthropic.haiku";

describe("the caller's deadline", () => {
  test("ends a call that takes too long", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider((_call, io) => never(io));
    await startWork(fleet, { anthropic });
    const since = performance.now();
    const [id = ""] = await handIn(fleet, ["hello"], { deadlineMs: 400 });
    expect(await ended(fleet, id)).toMatchObject({ state: "failed" });
    expect(performance.now() - since).toBeLessThan(3_000);
    expect(anthropic.underWay()).toBe(0);
  });

  test("ends a request that never ran, without a call", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider();
    await pauseLane(fleet.ledger, lane);
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"], { deadlineMs: 200 });
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", attempts: 0, failure: { kind: "deadline" } });
    expect(anthropic.calls).toEqual([]);
  });

  test("is no reason to wait for a retry that would come too late", async () => {
    const fleet = await openTestFleet(services, { settings: { attempts: { baseMs: 1 } } });
    const anthropic = testProvider(() => ({
      ok: false,
      failure: { kind: "capacity", message: "busy", retryAfterMs: 60_000 },
    }));
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"], { deadlineMs: 5_000 });
    expect(await ended(fleet, id)).toMatchObject({ state: "failed", attempts: 1, failure: { kind: "capacity" } });
  });
});

describe("cancelling", () => {
  test("a request that runs stops its call, keeps it cancelled, and notes what was called and what it had used", async () => {
    const fleet = await openTestFleet(services);
    // It has said what it read when it is stopped.
    const anthropic = testProvider(async (_call, io) => ({ ...(await never(io)), usage: { inputTokens: 12 } }));
    await startWork(fleet, { anthropic });
    const [id = ""] = await handIn(fleet, ["hello"]);
    await eventually("the call is under way", () => anthropic.underWay() === 1);
    expect(await cancelRequest(fleet.ledger, id)).toBe(true);
    await eventually("the call has stopped", () => anthropic.underWay() === 0, 5_000);
    const [call] = await eventually("the call is noted", async () => {
      const calls = await callsOf(fleet, id);
      return calls.length > 0 && calls;
    });
    expect(call).toMatchObject({ outcome: "superseded", inputTokens: 12, outputTokens: null });
    expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "cancelled", result: undefined });
    expect(await cancelRequest(fleet.ledger, id)).toBe(false);
  });

  test("a request in its lane keeps it from ever being called", async () => {
    const fleet = await openTestFleet(services);
    const [kept = "", gone = ""] = await handIn(fleet, ["kept", "gone"], { priority: "interactive" });
    expect((await requestById(fleet.ledger, gone))?.state).toBe("dispatched");
    await cancelRequest(fleet.ledger, gone);
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    await ended(fleet, kept);
    await eventually("the lane is empty", async () => {
      const { waiting, active } = await fleet.lanes.depth(lane, "express");
      return waiting + active === 0;
    });
    expect(anthropic.calls.map((call) => call.prompt)).toEqual(["kept"]);
  });
});

describe("draining a worker", () => {
  test("lets calls in flight finish within the grace period", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider((call, io) => later(300, io, answer(call.prompt)));
    const worker = startWorker(fleet, { anthropic });
    const ids = await handIn(fleet, prompts(5), { priority: "interactive" });
    await eventually("five calls are under way", () => anthropic.underWay() === 5);
    await worker.drain(10_000);
    expect(anthropic.calls).toHaveLength(5);
    for (const id of ids)
      expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "succeeded", attempts: 1 });
  });

  test("hands back unspent what does not finish, and another worker finishes it", async () => {
    const fleet = await openTestFleet(services);
    const stuck = testProvider((_call, io) => never(io));
    const leaving = startWorker(fleet, { anthropic: stuck });
    const ids = await handIn(fleet, prompts(8), { priority: "interactive" });
    await eventually("eight calls are under way", () => stuck.underWay() === 8);
    const since = performance.now();
    await leaving.drain(100);
    expect(performance.now() - since).toBeLessThan(3_000);
    for (const id of ids) expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "queued", attempts: 0 });
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    expect(await allEnded(fleet)).toEqual({ succeeded: 8 });
    for (const id of ids) {
      expect((await callsOf(fleet, id)).map((call) => call.outcome)).toEqual(["cancelled", "succeeded"]);
    }
  });

  test("without grace, in the middle of a rush, ends soon and loses nothing", async () => {
    const fleet = await openTestFleet(services);
    const stuck = testProvider((call, io) => (call.prompt.endsWith("0") ? never(io) : answer(call.prompt)));
    const errors: Errors = [];
    await handIn(fleet, prompts(150), { priority: "interactive" });
    const leaving = startWorker(fleet, { anthropic: stuck }, errors);
    await eventually("the rush has begun", () => stuck.calls.length > 10);
    const since = performance.now();
    await leaving.drain(0);
    expect(performance.now() - since).toBeLessThan(3_000);
    expect(stuck.underWay()).toBe(0);
    const anthropic = testProvider();
    await startWork(fleet, { anthropic }, errors);
    expect(await allEnded(fleet)).toEqual({ succeeded: 150 });
    const [row] = await fleet.ledger.sql<{ n: number }[]>`
      select count(*)::int as n from (select request_id from attempts where outcome = 'succeeded' group by 1 having count(*) > 1) twice`;
    expect([row?.n, errors]).toEqual([0, []]);
  });
});

/** The places, from 0, at which calls with this word in their prompt came. */
const places = (calls: readonly ReceivedCall[], word: string): number[] =>
  calls.flatMap((call, at) => (call.prompt.startsWith(word) ? [at] : []));

describe("order", () => {
  test("interactive requests do not wait behind a bulk backlog", async () => {
    const fleet = await openTestFleet(services, { settings: { worker: { slotsPerLane: 5 } } });
    const anthropic = testProvider((call, io) => later(30, io, answer(call.prompt)));
    await handIn(fleet, prompts(400, "bulk"), { priority: "bulk" });
    await startWork(fleet, { anthropic });
    await eventually("bulk is running", () => anthropic.calls.length > 20);
    const before = anthropic.calls.length;
    const ids = await handIn(fleet, prompts(5, "now"), { priority: "interactive" });
    for (const id of ids) await ended(fleet, id);
    expect(places(anthropic.calls, "now")).toHaveLength(5);
    // In the time of five interactive calls on the one express slot, bulk's five slots do about five calls each.
    expect((places(anthropic.calls, "now").at(-1) ?? 0) - before).toBeLessThan(60);
  });

  test("standard requests overtake bulk ones, all but those that are in the lane already", async () => {
    const fleet = await openTestFleet(services, { settings: { worker: { slotsPerLane: 4 } } });
    const anthropic = testProvider((call, io) => later(10, io, answer(call.prompt)));
    await handIn(fleet, prompts(300, "bulk"), { priority: "bulk" });
    await startWork(fleet, { anthropic });
    await eventually("bulk is running", () => anthropic.calls.length > 10);
    const ids = await handIn(fleet, prompts(10, "soon"), { priority: "standard" });
    for (const id of ids) await ended(fleet, id);
    // They wait for a fifth of the window to come free, and then go before the bulk that is in the lane.
    expect(places(anthropic.calls, "soon").at(-1)).toBeLessThan(150);
  });

  test("a tenant with a few requests is not buried under another's flood", async () => {
    const fleet = await openTestFleet(services, { settings: { worker: { slotsPerLane: 10 } } });
    const anthropic = testProvider((call, io) => later(10, io, answer(call.prompt)));
    await handIn(fleet, prompts(1_000, "flood"), { tenant: "a-flood", priority: "bulk" });
    await startWork(fleet, { anthropic });
    await eventually("the flood is running", () => anthropic.calls.length > 30);
    const before = anthropic.calls.length;
    await handIn(fleet, prompts(30, "few"), { tenant: "z-few", priority: "bulk" });
    await eventually("the few are done", () => places(anthropic.calls, "few").length === 30);
    // What was in the lane goes first (two seconds of work: up to 200 jobs here, and what drains meanwhile); the rest shares.
    expect((places(anthropic.calls, "few").at(-1) ?? 0) - before).toBeLessThan(600);
  });
});

describe("a paused lane", () => {
  test("waits, keeps its requests and goes on when it is resumed; other lanes do not wait with it", async () => {
    const fleet = await openTestFleet(services);
    const providers = { anthropic: testProvider(), openai: testProvider() };
    await pauseLane(fleet.ledger, lane);
    await fleet.lanes.pause(lane);
    await startWork(fleet, providers);
    const waiting = [
      ...(await handIn(fleet, prompts(10), { priority: "bulk" })),
      ...(await handIn(fleet, prompts(3), { priority: "interactive" })),
    ];
    const [other = ""] = await handIn(fleet, ["hello"], { model: "gpt-5-mini" });
    expect((await ended(fleet, other)).state).toBe("succeeded");
    expect(providers.anthropic.calls).toEqual([]);
    await resumeLane(fleet.ledger, lane);
    await fleet.lanes.resume(lane);
    for (const id of waiting) expect((await ended(fleet, id)).state).toBe("succeeded");
  });

  test("that is resumed just when the reconciler asserts its pause is not paused for good", async () => {
    const fleet = await openTestFleet(services);
    await pauseLane(fleet.ledger, lane);
    let asserted = false;
    const pause = async (which: string) => {
      // The operator is faster by a moment.
      await resumeLane(fleet.ledger, which);
      await fleet.lanes.resume(which);
      await fleet.lanes.pause(which);
      asserted = true;
    };
    const reconciler = startReconciler({ ...fleet, lanes: { ...fleet.lanes, pause } }, () => {});
    onTestFinished(() => reconciler.stop());
    await eventually("the pause was asserted", () => asserted);
    await eventually("the lane works", async () => !(await fleet.lanes.queue(lane, "main").isPaused()));
  });

  test("stays paused when Redis loses its data", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider();
    await pauseLane(fleet.ledger, lane);
    await fleet.lanes.pause(lane);
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(3), { priority: "interactive" });
    await (await services.redis()).flushall();
    await eventually("the lane is paused again", () => fleet.lanes.queue(lane, "main").isPaused());
    expect(anthropic.calls).toEqual([]);
  });
});

describe("a request that no worker here can serve", () => {
  test("is held for a person, and goes on when it is released to a fleet that can", async () => {
    const fleet = await openTestFleet(services);
    const anthropic = testProvider();
    const [id = ""] = await handIn(fleet, ["hello"]);
    await fleet.ledger.sql`update requests set deployment = 'gone/model' where id = ${id}`;
    await startWork(fleet, { anthropic });
    expect(await inState(fleet, id, "held")).toMatchObject({
      attempts: 0,
      holdReason: expect.stringContaining("gone/model"),
    });
    await fleet.ledger.sql`update requests set deployment = 'anthropic/claude-haiku-4-5' where id = ${id}`;
    expect(await releaseHeld(fleet.ledger)).toBe(1);
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", holdReason: undefined });
  });
});

/** What the gate lets through of the lane's requests: a burst at once, and a unit in so many microseconds. */
function requestsBucket(fleet: Fleet): { readonly size: number; readonly perUnitUs: number } {
  const pool = fleet.config.catalog.pools.get(lane);
  const spec = pool?.limits.find((limit) => limit.dimension === "requests");
  const shape = pool === undefined || spec === undefined ? undefined : shapeOf(spec, spec.limit, pool.jitterMs);
  if (shape?.kind !== "bucket") throw new Error("no bucket of requests");
  return shape;
}

describe("the provider's limits", () => {
  test("on requests per minute hold for two workers together, in every window, and nothing fails by them", async () => {
    const limits = { anthropic: { requestsPerMinute: 6_000, concurrency: 500 } };
    const fleet = await openTestFleet(services, { settings: { providers: limits } });
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    startWorker(fleet, { anthropic });
    await handIn(fleet, prompts(600), { priority: "bulk" });
    expect(await allEnded(fleet)).toEqual({ succeeded: 600 });
    const starts = anthropic.calls.map((call) => call.startedAt).sort((one, other) => one - other);
    const { size, perUnitUs } = requestsBucket(fleet);
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(((600 - size) * perUnitUs) / 1_000 - 100);
    // A call starts a moment after its permit: what the event loop was late by comes on top.
    for (const windowMs of [200, 500, 1_000]) {
      for (const [at, start] of starts.entries()) {
        const inWindow = starts.slice(at).filter((time) => time <= start + windowMs).length;
        expect(inWindow).toBeLessThanOrEqual(size + ((windowMs + 100) * 1_000) / perUnitUs + 1);
      }
    }
    const [row] = await fleet.ledger.sql<{ n: number }[]>`select max(attempt)::int as n from requests`;
    expect(row?.n).toBe(1);
  });

  test("on concurrency hold for two workers together", async () => {
    const limits = { anthropic: { ...unlimited, concurrency: 6 } };
    const fleet = await openTestFleet(services, { settings: { providers: limits } });
    let most = 0;
    const anthropic = testProvider((call, io) => {
      most = Math.max(most, anthropic.underWay());
      return later(20, io, answer(call.prompt));
    });
    await startWork(fleet, { anthropic });
    startWorker(fleet, { anthropic });
    await handIn(fleet, prompts(120), { priority: "bulk" });
    expect(await allEnded(fleet)).toEqual({ succeeded: 120 });
    expect(most).toBeLessThanOrEqual(6);
    expect(most).toBeGreaterThan(3);
  });

  test("that leave no room for bulk leave interactive requests their turn", async () => {
    const limits = { anthropic: { requestsPerMinute: 600, concurrency: 50 } };
    const fleet = await openTestFleet(services, { settings: { providers: limits } });
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(500, "bulk"), { priority: "bulk" });
    await eventually("bulk has used up its share of the burst", () => anthropic.calls.length >= 30);
    const [id = ""] = await handIn(fleet, ["now"], { priority: "interactive" });
    expect((await ended(fleet, id)).state).toBe("succeeded");
    expect(anthropic.calls.length).toBeLessThan(120);
  });
});

test("nobody hears of errors while all is well", async () => {
  const fleet = await openTestFleet(services);
  const errors: Errors = [];
  await startWork(fleet, { anthropic: testProvider() }, errors);
  const worker = startWorker(fleet, { anthropic: testProvider() }, errors);
  await handIn(fleet, prompts(50));
  await allEnded(fleet);
  await worker.drain(1_000);
  expect(errors).toEqual([]);
});
