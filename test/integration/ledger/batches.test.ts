import fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { acceptRequests } from "../../../src/ledger/accept.ts";
import { bringDue, markDispatched, recallDispatched } from "../../../src/ledger/backlog.ts";
import { batchLines } from "../../../src/ledger/batch-results.ts";
import {
  batchById,
  batchCounts,
  batchSpend,
  cancelBatch,
  countsOf,
  findOrOpenBatch,
  finishBatches,
  lastLineOf,
  type NewBatch,
  openBatch,
  retryFailed,
  sealBatch,
} from "../../../src/ledger/batches.ts";
import { claimRequests } from "../../../src/ledger/claim.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { attemptsOf, cancelRequest, requestById } from "../../../src/ledger/requests.ts";
import { promptBody } from "../../../src/request/body.ts";
import { requestStates } from "../../../src/request/lifecycle.ts";
import { drawn } from "../../support/drawn.ts";
import { call, ending, newRequest, openTestLedger, result, rowOf, running, stateOf } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const wish = { tenant: "t", source: "a.jsonl", fingerprint: "f", options: { skipBad: true }, total: 0 };

const findOrOpen = (ledger: Ledger, batch: NewBatch) => ledger.sql.begin((sql) => findOrOpenBatch({ sql }, batch));

/** A batch with `count` lines, all in. */
async function batchOf(ledger: Ledger, count: number, sealed = true) {
  const batch = await openBatch(ledger, wish);
  const rows = Array.from({ length: count }, (_, at) =>
    newRequest({
      batchId: batch.id,
      line: { no: at + 1, customId: `c${at + 1}`, shape: "plain" },
      body: promptBody("claude-haiku-4-5", `line ${at + 1}`),
    }),
  );
  await acceptRequests(ledger, rows);
  if (sealed) await sealBatch(ledger, batch.id);
  return { id: batch.id, ids: rows.map((row) => row.id) };
}

const fail = async (ledger: Ledger, id: string) =>
  recordRequests(ledger)(
    ending(await running(ledger, id), {
      event: "fail",
      failure: { kind: "client", message: "no such thing" },
      attempt: call({ outcome: "failed", failureKind: "client", httpStatus: 400, costNanoUsd: 5n }),
    }),
  );
const succeed = async (ledger: Ledger, id: string, text = "4") =>
  recordRequests(ledger)(ending(await running(ledger, id), { result: { ...result, text }, attempt: call() }));

const plainCounts = async (ledger: Ledger, id: string) => {
  const rows = await ledger.sql<{ state: string; n: number }[]>`
    select r.state, count(*)::int as n from batch_lines l join requests r on r.id = l.request_id
    where l.batch_id = ${id} group by r.state`;
  const of = (state: string) => rows.find((row) => row.state === state)?.n ?? 0;
  return {
    accepted: rows.reduce((sum, row) => sum + row.n, 0),
    ...Object.fromEntries(requestStates.map((state) => [state, of(state)])),
  };
};

describe("counts of several batches", () => {
  test("are those of each, also of one without lines", async () => {
    const ledger = await openTestLedger(services);
    const [one, two] = [await batchOf(ledger, 2), await batchOf(ledger, 3)];
    await succeed(ledger, one.ids[0] ?? "");
    await fail(ledger, two.ids[0] ?? "");
    await cancelRequest(ledger, two.ids[1] ?? "");
    const { id: empty } = await openBatch(ledger, wish);
    const counts = await countsOf(ledger, [one.id, two.id, empty]);
    expect(counts.get(one.id)).toMatchObject({ accepted: 2, succeeded: 1, queued: 1, failed: 0 });
    expect(counts.get(two.id)).toMatchObject({ accepted: 3, succeeded: 0, failed: 1, cancelled: 1, queued: 1 });
    expect(counts.get(empty)).toMatchObject({ accepted: 0, succeeded: 0, queued: 0 });
    for (const id of [one.id, two.id, empty]) expect(await batchCounts(ledger, id)).toEqual(counts.get(id));
    expect(await countsOf(ledger, [])).toEqual(new Map());
  });
});

describe("a batch", () => {
  test("takes lines, is sealed, and completes when no request is open", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 2, false);
    expect(await batchById(ledger, id)).toMatchObject({ state: "accepting", options: { skipBad: true }, total: 0 });
    expect(await lastLineOf(ledger, id)).toBe(2);
    expect(await finishBatches(ledger)).toBe(0);
    expect(await sealBatch(ledger, id)).toBe(true);
    expect(await sealBatch(ledger, id)).toBe(false);
    expect(await batchById(ledger, id)).toMatchObject({ state: "running", total: 2 });
    await succeed(ledger, ids[0] ?? "");
    expect(await finishBatches(ledger)).toBe(0);
    await fail(ledger, ids[1] ?? "");
    expect(await finishBatches(ledger)).toBe(1);
    expect(await finishBatches(ledger)).toBe(0);
    expect(await batchById(ledger, id)).toMatchObject({ state: "completed", finishedAt: expect.any(Date) });
  });

  test("is found again by its fingerprint, one by all who ask at the same moment", async () => {
    const ledger = await openTestLedger(services);
    const answers = await Promise.all(Array.from({ length: 10 }, () => findOrOpen(ledger, wish)));
    expect(new Set(answers.map(({ batch }) => batch.id)).size).toBe(1);
    expect(answers.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect((await findOrOpen(ledger, { ...wish, tenant: "other" })).fresh).toBe(true);
  });

  test("that was cancelled is not found again: the same command begins a new one", async () => {
    const ledger = await openTestLedger(services);
    const { batch } = await findOrOpen(ledger, wish);
    await cancelBatch(ledger, batch.id);
    expect((await findOrOpen(ledger, wish)).fresh).toBe(true);
  });

  test("that is cancelled keeps what has ended and ends the rest", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 5);
    await succeed(ledger, ids[0] ?? "");
    await fail(ledger, ids[1] ?? "");
    const claimed = await running(ledger, ids[2] ?? "");
    expect(await cancelBatch(ledger, id)).toBe(3);
    expect(await batchById(ledger, id)).toMatchObject({ state: "cancelled" });
    expect(await batchCounts(ledger, id)).toMatchObject({ accepted: 5, succeeded: 1, failed: 1, cancelled: 3 });
    expect(await recordRequests(ledger)(ending(claimed, { result }))).toBe("superseded");
  });
});

describe("the counts of a batch", () => {
  test("equal a plain GROUP BY under random moves", async () => {
    const ledger = await openTestLedger(services);
    const record = recordRequests(ledger);
    const { id, ids } = await batchOf(ledger, 25);
    const other = await batchOf(ledger, 5);
    const claims = claimRequests(ledger, 60_000);
    const failure = { kind: "server", message: "500" };
    const run = async (which: string, event: "succeed" | "fail" | "postpone" | "handBack" | "hold") => {
      const row = await rowOf(ledger, which);
      const claimed = await claims({ id: which, dispatchNo: row.dispatch_no, leaseToken: uuidv7() });
      if (claimed === undefined) return;
      await record(ending(claimed, { event, delayMs: 0, ...(event === "succeed" ? { result } : { failure }) }));
    };
    const moves = {
      dispatch: (which: string) => markDispatched(ledger, [which], "e"),
      recall: (which: string) => recallDispatched(ledger, [which]),
      claim: async (which: string) =>
        claims({ id: which, dispatchNo: (await rowOf(ledger, which)).dispatch_no, leaseToken: uuidv7() }),
      succeed: (which: string) => run(which, "succeed"),
      fail: (which: string) => run(which, "fail"),
      postpone: (which: string) => run(which, "postpone"),
      handBack: (which: string) => run(which, "handBack"),
      hold: (which: string) => run(which, "hold"),
      due: () => bringDue(ledger),
      cancel: (which: string) => cancelRequest(ledger, which),
      retry: () => retryFailed(ledger, id),
    };
    type Name = keyof typeof moves;
    const names = Object.keys(moves) as Name[]; // the keys of the object above
    const likely = [...names, "dispatch", "dispatch", "dispatch", "succeed", "fail"] as const;
    const steps = drawn(fc.tuple(fc.constantFrom(...likely), fc.nat({ max: 24 })), 300);
    for (const [at, [move, which]] of steps.entries()) {
      await moves[move](ids[which] ?? "");
      if (at % 20 === 19) expect(await batchCounts(ledger, id)).toEqual(await plainCounts(ledger, id));
    }
    expect((await batchCounts(ledger, id)).accepted).toBe(25);
    expect(await batchCounts(ledger, other.id)).toMatchObject({ accepted: 5, queued: 5 });
  });

  test("never count a line as succeeded that is only just coming in", async () => {
    const ledger = await openTestLedger(services);
    const { id } = await batchOf(ledger, 0, false);
    let accepting = true;
    let looks = 0;
    const producer = (async () => {
      for (let chunk = 0; chunk < 20 || looks < 4; chunk += 1) {
        await acceptRequests(
          ledger,
          Array.from({ length: 50 }, (_, at) =>
            newRequest({
              batchId: id,
              line: { no: 1 + chunk * 50 + at, customId: `${chunk}-${at}`, shape: "plain" },
            }),
          ),
        );
      }
      accepting = false;
    })();
    while (accepting) {
      const counts = await batchCounts(ledger, id);
      expect(counts.succeeded).toBe(0);
      expect(counts.queued).toBe(counts.accepted);
      looks += 1;
    }
    await producer;
  });
});

describe("retrying what failed", () => {
  test("makes new requests for the same lines, and leaves the failed ones and their calls as they are", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 3);
    const [good = "", bad = "", open = ""] = ids;
    await succeed(ledger, good);
    await fail(ledger, bad);
    const before = await rowOf(ledger, bad);
    expect(await retryFailed(ledger, id)).toBe(1);
    expect(await rowOf(ledger, bad)).toEqual({ ...before, batch_id: null });
    expect(await attemptsOf(ledger, bad)).toMatchObject([{ outcome: "failed" }]);
    expect(await stateOf(ledger, good)).toBe("succeeded");

    const lines = await batchLines(ledger, id, { afterLine: 0, limit: 10 });
    expect(lines.map((line) => [line.lineNo, line.customId, line.state])).toEqual([
      [1, "c1", "succeeded"],
      [2, "c2", "queued"],
      [3, "c3", "queued"],
    ]);
    const again = lines[1]?.requestId ?? "";
    expect([again === bad, lines[2]?.requestId]).toEqual([false, open]);
    const claimed = await running(ledger, again);
    expect(claimed).toMatchObject({ attemptsSpent: 0, batchId: id, body: promptBody("claude-haiku-4-5", "line 2") });
  });

  test("starts over at the first deployment of the route", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 1);
    const claimed = await running(ledger, ids[0] ?? "");
    const passedOver = [{ deployment: claimed.deployment, lane: claimed.lane, kind: "server", message: "500" }];
    const onward = { deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini", passedOver, spentThere: 0 };
    await recordRequests(ledger)(ending(claimed, { event: "fallBack", onward }));
    await fail(ledger, ids[0] ?? "");
    await retryFailed(ledger, id);
    const [line] = await batchLines(ledger, id, { afterLine: 0, limit: 1 });
    expect(await requestById(ledger, line?.requestId ?? "")).toMatchObject({
      deployment: "anthropic/claude-haiku-4-5",
      lane: "anthropic.haiku",
      passedOver: [],
    });
  });

  test("opens a completed batch again, and retries nothing twice when two ask at once", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 40);
    for (const one of ids) await fail(ledger, one);
    await finishBatches(ledger);
    const retried = await Promise.all([retryFailed(ledger, id), retryFailed(ledger, id)]);
    expect(retried[0] + retried[1]).toBe(40);
    expect(await batchById(ledger, id)).toMatchObject({ state: "running", finishedAt: undefined });
    expect(await batchCounts(ledger, id)).toMatchObject({ accepted: 40, queued: 40, failed: 0 });
    expect(await batchSpend(ledger, id)).toMatchObject({ calls: 40, costNanoUsd: 200n });
  });

  test("of a batch without failures does nothing", async () => {
    const ledger = await openTestLedger(services);
    const { id } = await batchOf(ledger, 2);
    expect(await retryFailed(ledger, id)).toBe(0);
  });
});

describe("the results of a batch", () => {
  test("come in input order, page by page, each with its answer, its bill or its failure", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await batchOf(ledger, 5);
    for (const at of [4, 0, 2]) await succeed(ledger, ids[at] ?? "", `answer ${at + 1}`);
    await fail(ledger, ids[1] ?? "");
    const first = await batchLines(ledger, id, { afterLine: 0, limit: 3 });
    const second = await batchLines(ledger, id, { afterLine: 3, limit: 3 });
    expect([...first, ...second].map((line) => [line.lineNo, line.state, line.result?.text])).toEqual([
      [1, "succeeded", "answer 1"],
      [2, "failed", undefined],
      [3, "succeeded", "answer 3"],
      [4, "queued", undefined],
      [5, "succeeded", "answer 5"],
    ]);
    expect(first[0]).toMatchObject({
      usage: { inputTokens: 12, outputTokens: 3 },
      costNanoUsd: 27_000n,
      failure: undefined,
    });
    expect(first[1]?.failure).toEqual({ kind: "client", message: "no such thing", status: 400 });
    const only = async (which: "failed" | "finished") =>
      (await batchLines(ledger, id, { afterLine: 0, limit: 10, only: which })).map((line) => line.lineNo);
    expect(await only("failed")).toEqual([2]);
    expect(await only("finished")).toEqual([1, 2, 3, 5]);
  });

  test("say what all calls cost, and that it is unknown as soon as one that may have cost something is", async () => {
    const ledger = await openTestLedger(services);
    const record = recordRequests(ledger);
    const { id, ids } = await batchOf(ledger, 2);
    const twice = async (which: string, first: Parameters<typeof call>[0]) => {
      const { costNanoUsd: _cost, ...free } = call({ outcome: "failed", usage: {}, ...first });
      await record(ending(await running(ledger, which), { event: "postpone", delayMs: 0, attempt: free }));
      await bringDue(ledger);
      await succeed(ledger, which);
    };
    await twice(ids[0] ?? "", { failureKind: "server" });
    await twice(ids[1] ?? "", { failureKind: "timeout" });
    const lines = await batchLines(ledger, id, { afterLine: 0, limit: 2 });
    expect(lines.map((line) => line.costNanoUsd)).toEqual([27_000n, undefined]);
    expect(await batchSpend(ledger, id)).toMatchObject({
      calls: 4,
      costNanoUsd: 54_000n,
      unpriced: 1,
      inputTokens: 24,
    });
  });
});
