import { expect, it } from "vitest";
import { jobIdOf, laneJobSchema, queueNameOf, sideOf } from "../../../src/queue/lane-job.ts";
import { priorities } from "../../../src/request/priority.ts";

it("a job has one id per dispatch, without the colon that BullMQ forbids", () => {
  const id = "0190f3c1-0000-7000-8000-000000000000";
  expect(jobIdOf(id, 1)).toBe(`r-${id}-1`);
  expect(jobIdOf(id, 2)).not.toBe(jobIdOf(id, 1));
  expect(jobIdOf(id, 1)).not.toContain(":");
});

it("a job of an older or newer version is still read", () => {
  expect(laneJobSchema.parse({ requestId: "a", dispatchNo: 1, tenant: "t", later: true })).toEqual({
    requestId: "a",
    dispatchNo: 1,
    tenant: "t",
  });
});

it("only interactive requests ride on the express side, which is a queue of its own", () => {
  expect(Object.values(priorities).map(sideOf)).toEqual(["express", "main", "main"]);
  expect(queueNameOf("anthropic.haiku", "main")).toBe("anthropic.haiku");
  expect(queueNameOf("anthropic.haiku", "express")).toBe("anthropic.haiku.express");
});
