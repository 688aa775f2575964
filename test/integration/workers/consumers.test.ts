/** A worker listens to a lane from the first job on that comes there. */
import { Worker } from "bullmq";
import { expect, onTestFinished, test } from "vitest";
import { lanePrefix, openLanes } from "../../../src/queue/lanes.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { ended, handIn, inState, startWork, startWorker } from "../../support/work.ts";

const services = useServices();
const lane = "anthropic.haiku";

/** Names of the queues that workers have connections for. */
async function heardQueues(): Promise<readonly string[]> {
  const redis = await services.redis();
  const clients = String(await redis.client("LIST"));
  return [...new Set([...clients.matchAll(/ name=millrace:worker:(\S+)/g)].map(([, name = ""]) => name))].sort();
}

test("a worker has connections for the lanes that have had jobs, and for no other", async () => {
  const fleet = await openTestFleet(services);
  await startWork(fleet, { anthropic: testProvider(), openai: testProvider() });
  const [first = ""] = await handIn(fleet, ["one"]);
  await ended(fleet, first);
  expect(await heardQueues()).toEqual([lane]);

  const [second = ""] = await handIn(fleet, ["two"], { model: "gpt-5-mini", priority: "interactive" });
  await ended(fleet, second);
  expect(await heardQueues()).toEqual([lane, "openai.gpt-5-mini.express"]);
});

test("jobs that were there before it are seen by a worker that comes later", async () => {
  const fleet = await openTestFleet(services);
  const [waiting = ""] = await handIn(fleet, ["waits"], { priority: "interactive" });
  await inState(fleet, waiting, "dispatched");
  startWorker(fleet, { anthropic: testProvider() });

  expect(await ended(fleet, waiting)).toMatchObject({ state: "succeeded" });
});

test("a lane wants a worker while a job waits there, and while one is in hand, whose worker may be dead", async () => {
  const url = await services.emptyRedis();
  const lanes = openLanes(url);
  onTestFinished(() => lanes.close());
  expect(await lanes.hasJobs(lane, "main")).toBe(false);
  const job = { lane, side: "main", model: "m", priority: 3, requestId: "r", dispatchNo: 1, tenant: "t" } as const;
  await lanes.add([job]);
  expect(await lanes.hasJobs(lane, "main")).toBe(true);
  expect(await lanes.hasJobs(lane, "express")).toBe(false);

  const worker = new Worker(lane, undefined, { connection: { url }, prefix: lanePrefix(lane), autorun: false });
  onTestFinished(() => worker.close());
  const inHand = await worker.getNextJob("its-token");
  expect(await lanes.hasJobs(lane, "main")).toBe(true);

  await inHand?.moveToCompleted("done", "its-token", false);
  expect(await lanes.hasJobs(lane, "main")).toBe(false);
});

test("workers are counted by the lanes that they serve, from their start on and as long as they live", async () => {
  const fleet = await openTestFleet(services);
  const all = startWorker(fleet, { anthropic: testProvider(), openai: testProvider() });
  startWorker(fleet, { anthropic: testProvider() });
  const counted = async () => {
    const workers = await fleet.lanes.workers();
    return [lane, "openai.gpt-5-mini", "gemini.gemini-3.5-flash"].map((name) => workers.get(name));
  };
  await expect.poll(counted).toEqual([2, 1, undefined]);

  await all.drain(0);
  await expect.poll(counted).toEqual([1, undefined, undefined]);
});
