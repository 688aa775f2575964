import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { problemOfEnd } from "../../../producers/http/ended-problem.ts";
import type { RequestView } from "../../../src/ledger/requests.ts";
import { failureKinds } from "../../../src/request/failure.ts";

const document = readFileSync(new URL("../../../docs/http.md", import.meta.url), "utf8");
const rows = document
  .split("\n")
  .filter((line) => /^\| \d{3}/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, statuses = "", ...codes]) => ({ statuses: statuses.split(", ").map(Number), codes: codes.join(" ") }));
const ended: RequestView = {
  id: "01890000-0000-7000-8000-000000000000",
  tenant: "t",
  batchId: undefined,
  model: "m",
  deployment: "p/m",
  lane: "p.m",
  priority: 1,
  state: "failed",
  attempts: 1,
  dispatchNo: 1,
  passedOver: [],
  failure: undefined,
  rejected: undefined,
  holdReason: undefined,
  notBefore: undefined,
  createdAt: new Date(0),
  finishedAt: new Date(0),
  result: undefined,
  kept: { prompt: "whole", answer: undefined },
};

describe("docs/http.md", () => {
  it.each(failureKinds)("has the status with which a failure of kind %s is told", (kind) => {
    const problem = problemOfEnd({ ...ended, failure: { kind, message: "no" } });

    expect(rows.filter(({ codes }) => codes.includes(`\`${kind}\``)).flatMap(({ statuses }) => statuses)).toEqual([
      problem?.status,
    ]);
  });

  it.each(["cancelled", "held", "running", "succeeded"] as const)(
    "has the status of a request that is %s, without an answer",
    (state) => {
      const problem = problemOfEnd({ ...ended, state });

      const row = rows.find(({ codes }) => codes.includes(`\`${problem?.code}\``));
      expect(row?.statuses).toEqual([problem?.status]);
    },
  );
});
