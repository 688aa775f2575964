import { expect, it } from "vitest";
import { dispatchOf, jobIdOf, laneJobSchema, queueNameOf, sideOf } from "../../../src/queue/lane-job.ts";
import { priorities } from "../../../src/request/priority.ts";

it("a job has one id per dispatch, without the colon that BullMQ forbids", () => {
  const id = "0190f3c1-0000-7000-8000-000000000000";
  expect(jobIdOf(id, 1)).toBe(`r-${id}-1`);
  expect(jobIdOf(id, 2)).not.toBe(jobIdOf(id, 1));
  expect(jobIdOf(id, 1)).not.toContain(":");
});

it("tells from its id which dispatch it is; what is not of that form is none of ours", () => {
  const id = "0190f3c1-0000-7000-8000-000000000000";
  expect(dispatchOf(jobIdOf(id, 12))).toEqual({ requestId: id, dispatchNo: 12 });
  for (const foreign of ["12", "r-12-1", `r-${id}`, `r-${id}-x`, `x-${id}-1`])
    expect(dispatchOf(foreign)).toBeUndefined();
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
