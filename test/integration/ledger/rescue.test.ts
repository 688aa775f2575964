import { describe, expect, test } from "vitest";
import { markDispatched, recallDispatched } from "../../../src/ledger/backlog.ts";
import { renewLeases } from "../../../src/ledger/claim.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { attemptsOf, requestById } from "../../../src/ledger/requests.ts";
import {
  expireOverdue,
  factOf,
  oldDispatched,
  recallOtherEpochs,
  rescueExpiredLeases,
  setFact,
} from "../../../src/ledger/rescue.ts";
import {
  accepted,
  call,
  ending,
  openTestLedger,
  requestIn,
  result,
  rowOf,
  running,
  stateOf,
} from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

describe("a request whose worker died", () => {
  test("goes back into the backlog, and the call that may have been made is noted once", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    await running(ledger, id, 0);
    expect(await rescueExpiredLeases(ledger)).toEqual({ requeued: 1, parked: 0 });
    expect(await rescueExpiredLeases(ledger)).toEqual({ requeued: 0, parked: 0 });
    expect(await rowOf(ledger, id)).toMatchObject({ state: "queued", attempt: 1, lost: 1 });
    expect(await attemptsOf(ledger, id)).toMatchObject([
      { outcome: "lost", provider: "anthropic", model: "claude-haiku-4-5", costNanoUsd: null },
    ]);
  });

  test("is rescued once when several reconcilers look at the same moment", async () => {
    const ledger = await openTestLedger(services);
    const ids = await accepted(ledger, 50);
    await Promise.all(ids.map((id) => running(ledger, id, 0)));
    const answers = await Promise.all(Array.from({ length: 6 }, () => rescueExpiredLeases(ledger)));
    expect(answers.reduce((sum, answer) => sum + answer.requeued, 0)).toBe(50);
    expect(await ledger.sql`select count(*)::int as n from attempts where outcome = 'lost'`).toEqual([{ n: 50 }]);
    expect(await ledger.sql`select distinct lost from requests`).toEqual([{ lost: 1 }]);
  });

  test("three times is parked as failed, with its story", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    const ends = [];
    for (let life = 0; life < 3; life += 1) {
      await running(ledger, id, 0);
      ends.push(await rescueExpiredLeases(ledger));
    }
    expect(ends.map((end) => end.parked)).toEqual([0, 0, 1]);
    expect(await requestById(ledger, id)).toMatchObject({
      state: "failed",
      failure: { kind: "lost", message: "its worker was lost 3 times" },
    });
    expect(await attemptsOf(ledger, id)).toHaveLength(3);
  });

  test("that turns up after all when somebody else has the row has its call noted as superseded, with its cost", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    const zombie = await running(ledger, id, 0);
    await rescueExpiredLeases(ledger);
    const other = await running(ledger, id);
    expect(await recordRequests(ledger)(ending(zombie, { result, attempt: call() }))).toBe("superseded");
    expect(await attemptsOf(ledger, id)).toMatchObject([
      { outcome: "superseded", costNanoUsd: "27000", inputTokens: 12 },
    ]);
    expect(await rowOf(ledger, id)).toMatchObject({ state: "running", lease_token: other.leaseToken, lost: 1 });
  });

  test("in time is none: a lease that was renewed is left alone", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    const claimed = await running(ledger, id, 0);
    await renewLeases(ledger, [claimed], 60_000);
    expect(await rescueExpiredLeases(ledger)).toEqual({ requeued: 0, parked: 0 });
    expect(await stateOf(ledger, id)).toBe("running");
  });

  test("among thousands is brought back in bounded steps", async () => {
    const ledger = await openTestLedger(services);
    const ids = await accepted(ledger, 30);
    await Promise.all(ids.map((id) => running(ledger, id, 0)));
    expect((await rescueExpiredLeases(ledger, 20)).requeued).toBe(20);
    expect((await rescueExpiredLeases(ledger, 20)).requeued).toBe(10);
  });
});

describe("what was dispatched into a Redis that is gone", () => {
  test("is recalled, what is in the present one is not", async () => {
    const ledger = await openTestLedger(services);
    const [old = [], present = []] = [await accepted(ledger, 3), await accepted(ledger, 2)];
    await markDispatched(ledger, old, "old");
    await markDispatched(ledger, present, "present");
    expect(await recallOtherEpochs(ledger, "present")).toBe(3);
    for (const id of old) expect(await stateOf(ledger, id)).toBe("queued");
    for (const id of present) expect(await stateOf(ledger, id)).toBe("dispatched");
  });

  test("gets a new number when it is dispatched again, so that an old job finds the fence shut", async () => {
    const ledger = await openTestLedger(services);
    const id = await requestIn(ledger, "dispatched");
    await recallDispatched(ledger, [id]);
    const [row] = await markDispatched(ledger, [id], "e");
    expect(row?.dispatchNo).toBe(2);
  });
});

test("dispatched rows are looked for oldest first, and not before they have had time to reach their lane", async () => {
  const ledger = await openTestLedger(services);
  const ids = await accepted(ledger, 3);
  for (const id of ids) await markDispatched(ledger, [id], "e");
  expect(await oldDispatched(ledger, "anthropic.haiku", 60_000)).toEqual([]);
  await ledger.sql`update requests set dispatched_at = dispatched_at - interval '2 minutes' where id = any(${ids.slice(1)}::uuid[])`;
  expect(await oldDispatched(ledger, "anthropic.haiku", 60_000)).toEqual(
    ids.slice(1).map((requestId) => ({ requestId, dispatchNo: 1, priority: 3 })),
  );
  expect(await oldDispatched(ledger, "openai.gpt-5", 60_000)).toEqual([]);
});

test("a request whose deadline passes before it runs fails, and one that runs is left to its worker", async () => {
  const ledger = await openTestLedger(services);
  const deadline = new Date(Date.now() - 1_000);
  const overdue = await requestIn(ledger, "queued", { deadline });
  const busy = await requestIn(ledger, "running", { deadline });
  const inTime = await requestIn(ledger, "queued", { deadline: new Date(Date.now() + 60_000) });
  expect(await expireOverdue(ledger)).toBe(1);
  expect(await requestById(ledger, overdue)).toMatchObject({ state: "failed", failure: { kind: "deadline" } });
  expect([await stateOf(ledger, busy), await stateOf(ledger, inTime)]).toEqual(["running", "queued"]);
});

test("a fact of the fleet is unknown until it is set, and then the last one that was set", async () => {
  const ledger = await openTestLedger(services);
  expect(await factOf(ledger, "redis_epoch")).toBeUndefined();
  await setFact(ledger, "redis_epoch", "a");
  expect(await factOf(ledger, "redis_epoch")).toBe("a");
  await Promise.all([setFact(ledger, "redis_epoch", "b"), setFact(ledger, "redis_epoch", "b")]);
  expect(await factOf(ledger, "redis_epoch")).toBe("b");
});
