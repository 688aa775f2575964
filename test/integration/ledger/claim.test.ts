import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { markDispatched } from "../../../src/ledger/backlog.ts";
import { claimRequests, renewLeases } from "../../../src/ledger/claim.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { requestStates } from "../../../src/request/lifecycle.ts";
import { accepted, claim, ending, openTestLedger, requestIn, result, rowOf, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

describe("of many who claim one request", () => {
  test("exactly one wins, in one process", async () => {
    const ledger = await openTestLedger(services);
    const id = await requestIn(ledger, "dispatched");
    const claims = claimRequests(ledger, 60_000);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => claims({ id, dispatchNo: 1, leaseToken: uuidv7() })),
    );
    const winners = answers.filter((answer) => answer !== undefined);
    expect(winners).toHaveLength(1);
    expect(await rowOf(ledger, id)).toMatchObject({ lease_token: winners[0]?.leaseToken, attempt: 1 });
  });

  test("exactly one wins of each of a hundred requests, in eight processes", async () => {
    const url = await services.emptyDatabase();
    const ledgers = Array.from({ length: 8 }, () => openLedger(url, { connections: 2 }));
    const [first] = ledgers;
    if (first === undefined) throw new Error("no ledger");
    const ids = await accepted(first, 100);
    await markDispatched(first, ids, "e");
    const wins = await Promise.all(
      ledgers.map(async (ledger) => {
        const claims = claimRequests(ledger, 60_000);
        const answers = await Promise.all(ids.map((id) => claims({ id, dispatchNo: 1, leaseToken: uuidv7() })));
        return answers.flatMap((answer) => (answer === undefined ? [] : [answer.id]));
      }),
    );
    expect(wins.flat().sort()).toEqual([...ids].sort());
    const [row] = await first.sql<{ n: number }[]>`
      select count(*)::int as n from requests where state = 'running' and attempt = 1`;
    expect(row?.n).toBe(100);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });
});

describe("a claim gets nothing", () => {
  test.each(requestStates.filter((state) => state !== "dispatched"))("of a request that is %s", async (state) => {
    const ledger = await openTestLedger(services);
    const id = await requestIn(ledger, state);
    const before = await rowOf(ledger, id);
    for (const dispatchNo of [0, 1, 2]) expect(await claim(ledger, { id, dispatchNo })).toBeUndefined();
    expect(await rowOf(ledger, id)).toEqual(before);
  });

  test("for a job of an older or a future dispatch, or of no request at all", async () => {
    const ledger = await openTestLedger(services);
    const id = await requestIn(ledger, "waiting");
    await ledger.sql`update requests set state = 'queued' where id = ${id}`;
    await markDispatched(ledger, [id], "e");
    expect(await claim(ledger, { id, dispatchNo: 1 })).toBeUndefined();
    expect(await claim(ledger, { id, dispatchNo: 3 })).toBeUndefined();
    expect(await claim(ledger, { id: uuidv7(), dispatchNo: 1 })).toBeUndefined();
    expect(await claim(ledger, { id, dispatchNo: 2 })).toMatchObject({ id, attemptsSpent: 1 });
  });
});

describe("a lease", () => {
  test("is extended as long as it is held, and said to be gone once the row was cancelled or finished", async () => {
    const ledger = await openTestLedger(services);
    const ids = await accepted(ledger, 3);
    const [kept, cancelled, finished] = await Promise.all(ids.map((id) => running(ledger, id, 1_000)));
    if (kept === undefined || cancelled === undefined || finished === undefined) throw new Error("not claimed");
    await cancelRequest(ledger, cancelled.id);
    await recordRequests(ledger)(ending(finished, { result }));
    expect(await renewLeases(ledger, [kept, cancelled, finished], 3_600_000)).toEqual(
      new Set([cancelled.leaseToken, finished.leaseToken]),
    );
    const [row] = await ledger.sql<{ far: boolean }[]>`
      select lease_until > now() + interval '50 minutes' as far from requests where id = ${kept.id}`;
    expect(row?.far).toBe(true);
  });

  test("of a row that somebody is just moving is neither waited for nor said to be gone", async () => {
    const ledger = await openTestLedger(services);
    const held = await running(ledger, (await accepted(ledger, 1))[0] ?? "");
    await ledger.sql.begin(async (sql) => {
      await sql`select 1 from requests where id = ${held.id} for update`;
      expect(await renewLeases(ledger, [held], 60_000)).toEqual(new Set());
    });
  });

  test("of nothing costs nothing", async () => {
    expect(await renewLeases(await openTestLedger(services), [], 60_000)).toEqual(new Set());
  });
});
