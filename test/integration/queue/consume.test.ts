import { v7 as uuidv7 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { consumeLane } from "../../../src/queue/consume.ts";
import { openLanes } from "../../../src/queue/lanes.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

test("a job that is handed back unclaimed is given out again at once", async () => {
  const redisUrl = await services.emptyRedis();
  const lanes = openLanes(redisUrl);
  const lane = "anthropic.haiku";
  const errors: Error[] = [];
  const given: string[] = [];
  const consumer = consumeLane({
    lane,
    side: "main",
    redisUrl,
    concurrency: 1,
    leaseMs: 30_000,
    handle: async ({ requestId }) => {
      given.push(requestId);
      return given.length === 1 ? "unclaimed" : { summary: { outcome: "succeeded" } };
    },
    onError: (error) => errors.push(error),
    onLocksLost: () => {},
  });
  onTestFinished(async () => {
    await consumer.close();
    await lanes.close();
  });
  const requestId = uuidv7();
  await lanes.add([
    { lane, side: "main", model: "claude-haiku-4-5", priority: 3, requestId, dispatchNo: 1, tenant: "t" },
  ]);
  await eventually("it is given out again", () => given.length === 2, 5_000);
  expect(given).toEqual([requestId, requestId]);
  expect(errors).toEqual([]);
});
