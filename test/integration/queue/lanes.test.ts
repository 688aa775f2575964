import { v7 as uuidv7 } from "uuid";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { jobIdOf, type NewLaneJob } from "../../../src/queue/lane-job.ts";
import { openLanes } from "../../../src/queue/lanes.ts";
import { eventually } from "../../support/eventually.ts";
import { ownRedis } from "../../support/own-redis.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const lane = "anthropic.haiku";

async function opened() {
  const url = await services.emptyRedis();
  const lanes = openLanes(url);
  const redis = await services.redis();
  onTestFinished(async () => {
    await lanes.close();
  });
  return { url, lanes, redis };
}

const job = (more: Partial<NewLaneJob> = {}): NewLaneJob => ({
  lane,
  side: "main",
  model: "claude-haiku-4-5",
  priority: 3,
  requestId: uuidv7(),
  dispatchNo: 1,
  tenant: "t",
  ...more,
});

describe("adding jobs", () => {
  test("adds each id once, however often it is said", async () => {
    const { lanes } = await opened();
    const jobs = Array.from({ length: 20 }, () => job());
    await lanes.add(jobs);
    await Promise.all([lanes.add(jobs), lanes.add(jobs.slice(0, 5)), lanes.add([...jobs].reverse())]);
    expect(await lanes.depth(lane, "main")).toEqual({ waiting: 20, active: 0 });
    await lanes.add(jobs.map((one) => ({ ...one, dispatchNo: 2 })));
    expect(await lanes.depth(lane, "main")).toEqual({ waiting: 40, active: 0 });
  });

  test("puts every job into its lane and side, with a priority that is never 0", async () => {
    const { lanes } = await opened();
    await lanes.add([
      job(),
      job({ priority: 1 }),
      job({ side: "express", priority: 1 }),
      job({ lane: "openai.gpt-5" }),
    ]);
    expect((await lanes.depth(lane, "main")).waiting).toBe(2);
    expect((await lanes.depth(lane, "express")).waiting).toBe(1);
    expect((await lanes.depth("openai.gpt-5", "main")).waiting).toBe(1);
    expect(await lanes.queue(lane, "main").getWaitingCount()).toBe(0);
    expect(await lanes.queue(lane, "main").getPrioritizedCount()).toBe(2);
  });

  test("keeps ids and labels in Redis, and nothing else", async () => {
    const { lanes, redis } = await opened();
    const one = job({ batch: "b", traceparent: "00-1-2-01" });
    await lanes.add([one]);
    const [key = ""] = await redis.keys(`*${jobIdOf(one.requestId, 1)}`);
    expect(key).toBe(`millrace:{${lane}}:${lane}:${jobIdOf(one.requestId, 1)}`);
    const stored = await redis.hgetall(key);
    expect(stored["name"]).toBe("claude-haiku-4-5");
    expect(JSON.parse(stored["data"] ?? "")).toEqual({
      requestId: one.requestId,
      dispatchNo: 1,
      tenant: "t",
      batch: "b",
      traceparent: "00-1-2-01",
    });
  });

  test("of none does nothing", async () => {
    const { lanes } = await opened();
    await lanes.add([]);
    expect(await lanes.depth(lane, "main")).toEqual({ waiting: 0, active: 0 });
  });
});

describe("looking for jobs that are gone", () => {
  test("finds those that were removed and those that finished, and no others", async () => {
    const { lanes, redis } = await opened();
    const [waits, removed, finished, express, never] = [
      job(),
      job(),
      job(),
      job({ side: "express", priority: 1 }),
      job(),
    ];
    await lanes.add([waits, removed, finished, express]);
    await lanes.remove(lane, removed);
    await redis.hset(`millrace:{${lane}}:${lane}:${jobIdOf(finished.requestId, 1)}`, "finishedOn", Date.now());
    const missing = await lanes.missing(lane, [waits, removed, finished, express, never]);
    expect(missing).toEqual([removed, finished, never].map((one) => one.requestId));
    expect(await lanes.missing(lane, [])).toEqual([]);
    expect(await lanes.missing(lane, [{ ...waits, dispatchNo: 2 }])).toEqual([waits.requestId]);
  });
});

describe("the epoch", () => {
  test("is one for all who ask, and another one after Redis lost its data", async () => {
    const { lanes, redis, url } = await opened();
    const beside = openLanes(url);
    onTestFinished(() => beside.close());
    const answers = await Promise.all([lanes.epoch(), beside.epoch(), lanes.epoch(), beside.epoch()]);
    expect(new Set(answers).size).toBe(1);
    await lanes.add([job()]);
    expect(await lanes.epoch()).toBe(answers[0]);
    await redis.flushall();
    const after = await lanes.epoch();
    expect(after).not.toBe(answers[0]);
    expect(await beside.epoch()).toBe(after);
  });

  test("is another one when another server process answers on the same data", async () => {
    const own = await ownRedis();
    const lanes = openLanes(own.url);
    const beside = openLanes(own.url);
    onTestFinished(() => Promise.all([lanes.close(), beside.close()]).then(() => {}));
    const before = await lanes.epoch();
    await own.kill();
    await own.start();
    const after = await eventually("it answers again", () => lanes.epoch().catch(() => undefined));
    expect(after).not.toBe(before);
    expect(after.split("@")[0]).toBe(before.split("@")[0]);
    expect(await beside.epoch()).toBe(after);
  });

  test("is that of the memory alone where nobody may ask which process it is", async () => {
    const { redis, url } = await opened();
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {}); // by its client, for each connection
    onTestFinished(() => warned.mockRestore());
    await redis.acl("SETUSER", "guarded", "on", ">secret", "~*", "&*", "+@all", "-info");
    onTestFinished(() => redis.acl("DELUSER", "guarded").then(() => {}));
    const guarded = openLanes(url.replace("//", "//guarded:secret@").replace(/secret@.*@/, "secret@"));
    onTestFinished(() => guarded.close());
    const epoch = await guarded.epoch();
    expect(epoch).toMatch(/^[0-9a-f-]{36}$/);
    await guarded.add([job()]);
    expect(await guarded.epoch()).toBe(epoch);
    await redis.flushall();
    expect(await guarded.epoch()).not.toBe(epoch);
  });
});

test("pausing a lane pauses both of its sides, and resuming resumes both", async () => {
  const { lanes } = await opened();
  const paused = () => Promise.all((["main", "express"] as const).map((side) => lanes.queue(lane, side).isPaused()));
  await lanes.pause(lane);
  expect(await paused()).toEqual([true, true]);
  await lanes.resume(lane);
  expect(await paused()).toEqual([false, false]);
});

test("with Redis away everything that is asked is answered by an error", async () => {
  const lanes = openLanes("redis://127.0.0.1:1");
  onTestFinished(() => lanes.close());
  await expect(lanes.ping()).rejects.toThrow();
  await expect(lanes.epoch()).rejects.toThrow();
});
