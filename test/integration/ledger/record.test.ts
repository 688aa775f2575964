import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { markDispatched } from "../../../src/ledger/backlog.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { attemptsOf, cancelRequest, requestById } from "../../../src/ledger/requests.ts";
import { rescueExpiredLeases } from "../../../src/ledger/rescue.ts";
import { accepted, call, claim, ending, openTestLedger, result, rowOf, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function oneRunning(leaseMs = 60_000) {
  const ledger = await openTestLedger(services);
  const [id = ""] = await accepted(ledger, 1);
  return { ledger, id, claimed: await running(ledger, id, leaseMs), record: recordRequests(ledger) };
}

describe("a recorded call", () => {
  test("is state, result, usage and cost at once", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    expect(await record(ending(claimed, { result, attempt: call() }))).toBe("recorded");
    expect(await requestById(ledger, id)).toMatchObject({
      state: "succeeded",
      attempts: 1,
      result,
      failure: undefined,
    });
    expect(await attemptsOf(ledger, id)).toMatchObject([
      { attempt: 1, outcome: "succeeded", inputTokens: 12, outputTokens: 3, costNanoUsd: "27000", durationMs: 120 },
    ]);
  });

  test("leaves unknown usage and unknown cost unknown", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    const { costNanoUsd: _cost, priceVersion: _version, ...unpriced } = call({ usage: { outputTokens: 0 } });
    await record(ending(claimed, { result, attempt: unpriced }));
    expect(await attemptsOf(ledger, id)).toMatchObject([{ inputTokens: null, outputTokens: 0, costNanoUsd: null }]);
  });

  test("keeps the longest cost to the nano-dollar", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    await record(ending(claimed, { result, attempt: call({ costNanoUsd: 9_007_199_254_740_993n }) }));
    expect(await attemptsOf(ledger, id)).toMatchObject([{ costNanoUsd: "9007199254740993" }]);
  });

  test("that is recorded twice has one row and one result", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    await record(ending(claimed, { result, attempt: call() }));
    const again = ending(claimed, { result: { ...result, text: "5" }, attempt: call({ durationMs: 999 }) });
    expect(await record(again)).toBe("recorded");
    expect(await attemptsOf(ledger, id)).toMatchObject([{ outcome: "succeeded", durationMs: 120 }]);
    expect((await requestById(ledger, id))?.result?.text).toBe("4");
  });
});

describe("the fence", () => {
  test("keeps out a worker whose request was taken over: its bill is kept, its result is not", async () => {
    const { ledger, id, claimed: slow, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    const quick = await running(ledger, id);
    await record(ending(quick, { result, attempt: call() }));
    const late = ending(slow, { result: { ...result, text: "late" }, attempt: call({ costNanoUsd: 99n }) });
    expect(await record(late)).toBe("superseded");
    expect((await requestById(ledger, id))?.result?.text).toBe("4");
    expect(await attemptsOf(ledger, id)).toMatchObject([
      { outcome: "superseded", costNanoUsd: "99" },
      { outcome: "succeeded", costNanoUsd: "27000" },
    ]);
  });

  test("keeps out the late worker while the other one still runs, and does not disturb it", async () => {
    const { ledger, id, claimed: slow, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    const quick = await running(ledger, id);
    expect(await record(ending(slow, { event: "fail", failure: { kind: "server", message: "x" } }))).toBe("superseded");
    expect(await rowOf(ledger, id)).toMatchObject({ state: "running", lease_token: quick.leaseToken });
  });

  test("keeps a cancelled request cancelled, whatever its call brings", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    await cancelRequest(ledger, id);
    expect(await record(ending(claimed, { result, attempt: call() }))).toBe("superseded");
    expect(await requestById(ledger, id)).toMatchObject({ state: "cancelled", result: undefined });
    expect(await attemptsOf(ledger, id)).toMatchObject([{ outcome: "superseded", costNanoUsd: "27000" }]);
  });
});

describe("an answer that comes after its lease was lost", () => {
  const late = { result, attempt: call() };

  test.each(["queued", "dispatched", "waiting"])(
    "counts while the request is %s: nobody else has been asked",
    async (state) => {
      const { ledger, id, claimed, record } = await oneRunning(0);
      await rescueExpiredLeases(ledger);
      await ledger.sql`update requests set state = ${state} where id = ${id}`;
      expect(await record(ending(claimed, late))).toBe("recorded");
      expect(await requestById(ledger, id)).toMatchObject({ state: "succeeded", attempts: 1, result });
      expect(await attemptsOf(ledger, id)).toMatchObject([{ outcome: "succeeded", costNanoUsd: "27000" }]);
    },
  );

  test("keeps the worker that was to be asked next from calling", async () => {
    const { ledger, id, claimed, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    const [again] = await markDispatched(ledger, [id], "e");
    await record(ending(claimed, late));
    expect(await claim(ledger, { id, dispatchNo: again?.dispatchNo ?? 0 })).toBeUndefined();
  });

  test.each(["held", "failed", "cancelled"])("does not count when the request is %s", async (state) => {
    const { ledger, id, claimed, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    await ledger.sql`update requests set state = ${state} where id = ${id}`;
    expect(await record(ending(claimed, late))).toBe("superseded");
    expect(await rowOf(ledger, id)).toMatchObject({ state });
    expect(await attemptsOf(ledger, id)).toMatchObject([{ outcome: "superseded", costNanoUsd: "27000" }]);
  });

  test("does not count when it is none: a failure leaves the request to the next worker", async () => {
    const { ledger, id, claimed, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    const failed = { event: "fail", failure: { kind: "server", message: "500" } } as const;
    expect(await record(ending(claimed, { ...failed, attempt: call({ outcome: "failed" }) }))).toBe("superseded");
    expect(await rowOf(ledger, id)).toMatchObject({ state: "queued", attempt: 1 });
  });

  test("of two, one is the result and the other is a bill", async () => {
    const { ledger, id, claimed, record } = await oneRunning(0);
    await rescueExpiredLeases(ledger);
    const second = await running(ledger, id, 0);
    await rescueExpiredLeases(ledger);
    const answers = await Promise.all([claimed, second].map((one) => record(ending(one, late))));
    expect([...answers].sort()).toEqual(["recorded", "superseded"]);
    const outcomes = (await attemptsOf(ledger, id)).map((attempt) => attempt.outcome);
    expect([...outcomes].sort()).toEqual(["succeeded", "superseded"]);
  });
});

describe("an attempt", () => {
  test("is given back by a deferral and a hand-back, and spent by a retry", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    const counts = async () => {
      const { attempt, deployment_attempt } = await rowOf(ledger, id);
      return [attempt, deployment_attempt];
    };
    const again = async () => {
      await ledger.sql`update requests set state = 'queued', not_before = null where id = ${id}`;
      return running(ledger, id);
    };
    expect(await counts()).toEqual([1, 1]);
    await record(ending(claimed, { event: "postpone", spent: false, delayMs: 5 }));
    expect(await counts()).toEqual([0, 0]);
    await record(ending(await again(), { event: "handBack", spent: false }));
    expect(await counts()).toEqual([0, 0]);
    await record(ending(await again(), { event: "postpone", spent: true, delayMs: 5 }));
    expect(await counts()).toEqual([1, 1]);
    const third = await again();
    expect(third).toMatchObject({ attemptsSpent: 1, attemptsSpentHere: 1 });
    await record(ending(third, { event: "fail", spent: true, failure: { kind: "server", message: "x" } }));
    expect(await counts()).toEqual([2, 2]);
  });

  test("counts anew on the next deployment, and in all", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    const passedOver = [{ deployment: claimed.deployment, lane: claimed.lane, kind: "server", message: "500" }];
    const onward = { deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini", passedOver, spentThere: 0 };
    await record(ending(claimed, { event: "fallBack", spent: true, onward }));
    expect(await rowOf(ledger, id)).toMatchObject({
      state: "queued",
      lane: "openai.gpt-5-mini",
      deployment: "openai/gpt-5-mini",
      attempt: 1,
      deployment_attempt: 0,
    });
    const next = await running(ledger, id);
    expect(next).toMatchObject({ attemptsSpent: 1, attemptsSpentHere: 0, passedOver, dispatchNo: 2 });
  });

  test("goes on counting on a deployment that is come back to", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    const passedOver = [
      { deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini", kind: "blocked", message: "", spent: 2 },
    ];
    const onward = { deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini", passedOver, spentThere: 2 };
    await record(ending(claimed, { event: "fallBack", spent: false, onward }));
    expect(await running(ledger, id)).toMatchObject({ attemptsSpent: 0, attemptsSpentHere: 2, passedOver });
  });

  test("that is postponed waits as long as was said", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    await record(ending(claimed, { event: "postpone", delayMs: 90_000, failure: { kind: "rate", message: "429" } }));
    const { not_before, failure_kind } = await rowOf(ledger, id);
    expect(failure_kind).toBe("rate");
    expect(Math.abs((not_before?.getTime() ?? 0) - Date.now() - 90_000)).toBeLessThan(2_000);
  });

  test("that succeeds after failures leaves no failure behind", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    await record(ending(claimed, { event: "postpone", delayMs: 0, failure: { kind: "rate", message: "429" } }));
    await ledger.sql`update requests set state = 'queued' where id = ${id}`;
    await record(ending(await running(ledger, id), { result }));
    expect(await rowOf(ledger, id)).toMatchObject({ failure_kind: null, failure_message: null, not_before: null });
  });
});

describe("records that travel together", () => {
  test("end each as it should: every event in one group", async () => {
    const ledger = await openTestLedger(services);
    const record = recordRequests(ledger);
    const ids = await accepted(ledger, 7);
    const claims = await Promise.all(ids.map((id) => running(ledger, id)));
    const failure = { kind: "server", message: "500" };
    const onward = { deployment: "openai/gpt-5", lane: "openai.gpt-5", passedOver: [], spentThere: 0 };
    const inputs = [
      { event: "succeed", result, attempt: call() },
      { event: "fail", failure, attempt: call({ outcome: "failed" }) },
      { event: "postpone", delayMs: 1_000, failure },
      { event: "fallBack", onward, attempt: call({ outcome: "failed" }) },
      { event: "handBack", spent: false },
      { event: "hold", spent: false, holdReason: "?" },
    ] as const;
    const [gone] = claims.slice(6);
    if (gone === undefined) throw new Error("not claimed");
    await cancelRequest(ledger, gone.id);
    const answers = await Promise.all([
      ...inputs.map((input, at) => record(ending(claims[at] ?? gone, input))),
      record(ending(gone, { result, attempt: call() })),
    ]);
    expect(answers).toEqual([...Array(6).fill("recorded"), "superseded"]);
    const states = await Promise.all(ids.map(async (id) => (await rowOf(ledger, id)).state));
    expect(states).toEqual(["succeeded", "failed", "waiting", "queued", "queued", "held", "cancelled"]);
    const outcomes = await ledger.sql<{ outcome: string }[]>`
      select a.outcome from attempts a order by array_position(${ids}::uuid[], a.request_id)`;
    expect(outcomes.map((row) => row.outcome)).toEqual(["succeeded", "failed", "failed", "superseded"]);
    expect(await ledger.sql`select request_id from payloads where kind = 'result'`).toEqual([{ request_id: ids[0] }]);
  });

  test("are not lost with one that Postgres will not have", async () => {
    const ledger = await openTestLedger(services);
    const record = recordRequests(ledger);
    const claims = await Promise.all((await accepted(ledger, 20)).map((id) => running(ledger, id)));
    const answers = await Promise.allSettled(
      claims.map((claimed, at) =>
        record(ending(claimed, { result, attempt: call(at === 7 ? { httpStatus: 1_000_000 } : {}) })),
      ),
    );
    expect(answers.filter((answer) => answer.status === "rejected")).toHaveLength(1);
    expect(answers[7]?.status).toBe("rejected");
    const [row] = await ledger.sql<{ n: number }[]>`
      select count(*)::int as n from requests where state = 'succeeded'`;
    expect(row?.n).toBe(19);
  });

  test.each([
    ["a NUL", "a\u0000b", "ab"],
    ["half of an emoji, as a message cut at five hundred characters has", "overloaded \ud83d", "overloaded \ufffd"],
    ["a backslash and a u", "\\u0000 \\ud800", "\\u0000 \\ud800"],
  ])("may hold %s in every text a provider gives", async (_what, text, kept) => {
    const { ledger, id, claimed, record } = await oneRunning();
    const failed = call({
      outcome: "failed",
      failureKind: "server",
      failureMessage: text,
      providerRequestId: text,
      finish: { unified: "other", raw: text },
    });
    const passedOver = [{ deployment: "a/b", lane: "l", kind: "server", message: text }];
    const onward = { deployment: "openai/gpt-5", lane: "openai.gpt-5", passedOver, spentThere: 0 };
    const failure = { kind: "server", message: text };
    await record(ending(claimed, { event: "fallBack", onward, failure, attempt: failed }));
    expect(await attemptsOf(ledger, id)).toMatchObject([{ failureMessage: kept }]);
    expect((await requestById(ledger, id))?.passedOver).toMatchObject([{ message: kept }]);
    const last = ending(await running(ledger, id), { result: { ...result, text }, attempt: call() });
    await record(last);
    expect((await requestById(ledger, id))?.result?.text).toBe(text);
  });

  test("may state impossible numbers: counts that no column holds are unknown, a wait of ages is a month", async () => {
    const { ledger, id, claimed, record } = await oneRunning();
    const attempt = call({ usage: { inputTokens: 1e15, outputTokens: 3 } });
    await record(ending(claimed, { event: "postpone", delayMs: 1e18, attempt }));
    expect(await attemptsOf(ledger, id)).toMatchObject([{ inputTokens: null, outputTokens: 3 }]);
    expect((await rowOf(ledger, id)).not_before?.getTime()).toBeLessThan(Date.now() + 31 * 86_400_000);
  });

  test("and statements that move the same rows in another order all come through", async () => {
    const url = await services.emptyDatabase();
    const ledgers = [openLedger(url), openLedger(url)] as const;
    const ids = await accepted(ledgers[0], 400, { batchId: uuidv7() });
    const rows = await markDispatched(ledgers[0], ids, "e");
    const claims = await Promise.all(rows.map((row) => claim(ledgers[0], { id: row.id, dispatchNo: row.dispatchNo })));
    const held = claims.flatMap((one) => (one === undefined ? [] : [one]));
    expect(held).toHaveLength(400);
    const record = recordRequests(ledgers[0]);
    const shuffled = [...held].sort((one, other) => one.leaseToken.slice(-6).localeCompare(other.leaseToken.slice(-6)));
    const cancelling = [...held].reverse().map((one) => cancelRequest(ledgers[1], one.id));
    const answers = await Promise.all(shuffled.map((one) => record(ending(one, { result, attempt: call() }))));
    await Promise.all(cancelling);
    const [row] = await ledgers[0].sql<{ done: number; gone: number }[]>`
      select count(*) filter (where state = 'succeeded')::int as done, count(*) filter (where state = 'cancelled')::int as gone
      from requests`;
    expect(row?.done).toBe(answers.filter((answer) => answer === "recorded").length);
    expect((row?.done ?? 0) + (row?.gone ?? 0)).toBe(400);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });
});
