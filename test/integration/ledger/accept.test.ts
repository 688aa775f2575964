import fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { acceptRequests, requestWithKey } from "../../../src/ledger/accept.ts";
import { bodyOf } from "../../../src/ledger/bodies.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { promptBody } from "../../../src/request/body.ts";
import { drawn } from "../../support/drawn.ts";
import { claim, newRequest, openTestLedger, rowOf, stateOf } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

describe("accepted is durable", () => {
  test("the row and its body are there for another connection", async () => {
    const url = await services.emptyDatabase();
    const [writer, reader] = [openLedger(url), openLedger(url)];
    const row = newRequest({
      tenant: "acme",
      traceparent: "00-1-2-01",
      deadline: new Date("2027-01-01T00:00:00.500Z"),
    });
    expect(await acceptRequests(writer, [row])).toEqual(new Set([row.id]));
    await writer.close();
    expect(await bodyOf(reader, row.id)).toEqual(row.body);
    const [stored] = await reader.sql`select tenant, traceparent, deadline, state, dispatch_no from requests`;
    expect(stored).toMatchObject({
      tenant: "acme",
      traceparent: "00-1-2-01",
      deadline: row.deadline,
      state: "queued",
      dispatch_no: 0,
    });
    await reader.close();
  });

  test("a request that its producer dispatches itself is born dispatched, and can be claimed as number one", async () => {
    const ledger = await openTestLedger(services);
    const row = newRequest({ priority: 1, dispatchEpoch: "e1" });
    await acceptRequests(ledger, [row]);
    expect(await stateOf(ledger, row.id)).toBe("dispatched");
    expect(await claim(ledger, { id: row.id, dispatchNo: 1 })).toMatchObject({ id: row.id, attemptsSpent: 0 });
  });

  test("a thousand rows travel in one statement, all of them or none", async () => {
    const ledger = await openTestLedger(services);
    expect(
      (
        await acceptRequests(
          ledger,
          Array.from({ length: 1_000 }, () => newRequest()),
        )
      ).size,
    ).toBe(1_000);
    const wrong = [newRequest(), newRequest({ deadline: new Date("+200000-01-01T00:00:00Z") }), newRequest()];
    await expect(acceptRequests(ledger, wrong)).rejects.toThrow();
    expect(await ledger.sql`select count(*)::int as n from requests`).toEqual([{ n: 1_000 }]);
    expect(await ledger.sql`select count(*)::int as n from payloads`).toEqual([{ n: 1_000 }]);
  });
});

describe("accepting again changes nothing", () => {
  test("the same id", async () => {
    const ledger = await openTestLedger(services);
    const row = newRequest();
    await acceptRequests(ledger, [row]);
    expect(await acceptRequests(ledger, [{ ...row, tenant: "other" }])).toEqual(new Set());
    expect(await ledger.sql`select tenant from requests`).toEqual([{ tenant: "t" }]);
  });

  test("the same line of a batch, and the same custom id on another line", async () => {
    const ledger = await openTestLedger(services);
    const batchId = uuidv7();
    const line = (no: number, customId: string) => newRequest({ batchId, line: { no, customId, shape: "plain" } });
    expect((await acceptRequests(ledger, [line(1, "a"), line(2, "b")])).size).toBe(2);
    expect((await acceptRequests(ledger, [line(1, "a"), line(2, "b"), line(3, "c")])).size).toBe(1);
    expect((await acceptRequests(ledger, [line(4, "a")])).size).toBe(0);
    expect(await ledger.sql`select line_no, custom_id from batch_lines order by line_no`).toEqual([
      { line_no: 1, custom_id: "a" },
      { line_no: 2, custom_id: "b" },
      { line_no: 3, custom_id: "c" },
    ]);
    expect(await ledger.sql`select count(*)::int as n from requests`).toEqual([{ n: 3 }]);
    expect(await ledger.sql`select count(*)::int as n from payloads`).toEqual([{ n: 3 }]);
  });

  test("the same idempotency key of the same tenant, also when ten ask at once", async () => {
    const ledger = await openTestLedger(services);
    const asks = Array.from({ length: 10 }, () => newRequest({ tenant: "acme", idempotencyKey: "order-1" }));
    const answers = await Promise.all(asks.map((row) => acceptRequests(ledger, [row])));
    expect(answers.reduce((sum, fresh) => sum + fresh.size, 0)).toBe(1);
    const winner = asks.find((_, at) => answers[at]?.size === 1);
    expect(await requestWithKey(ledger, "acme", "order-1")).toBe(winner?.id);
    expect(await requestWithKey(ledger, "other", "order-1")).toBeUndefined();
    expect((await acceptRequests(ledger, [newRequest({ tenant: "other", idempotencyKey: "order-1" })])).size).toBe(1);
    expect(await ledger.sql`select count(*)::int as n from payloads`).toEqual([{ n: 2 }]);
  });

  test("the same lines handed in by two producers at once", async () => {
    const ledger = await openTestLedger(services);
    const batchId = uuidv7();
    const lines = () =>
      Array.from({ length: 200 }, (_, at) =>
        newRequest({ batchId, line: { no: at + 1, customId: `c${at}`, shape: "openai" } }),
      );
    const answers = await Promise.all([lines(), lines(), lines()].map((rows) => acceptRequests(ledger, rows)));
    expect(answers.reduce((sum, fresh) => sum + fresh.size, 0)).toBe(200);
    expect(await ledger.sql`select count(*)::int as n from requests`).toEqual([{ n: 200 }]);
  });
});

describe("a body", () => {
  test("survives as it was given: NUL, quotes, braces, lone surrogates, any character", async () => {
    const ledger = await openTestLedger(services);
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\u0000", "a\u0000b", '{"a","b"}', "\\", '\\"', "NULL", "", "\ud83d", "\udc00x", "\u2028", "{}"),
    );
    const texts = drawn(text, 200);
    const rows = texts.map((prompt) => newRequest({ body: { ...promptBody("m", prompt), system: prompt } }));
    await acceptRequests(ledger, rows);
    for (const row of rows) expect(await bodyOf(ledger, row.id)).toEqual(row.body);
  });

  test("reaches the worker that claims it unchanged", async () => {
    const ledger = await openTestLedger(services);
    const row = newRequest({ dispatchEpoch: "e", body: promptBody("m", 'nul \u0000 and "quotes" \\ 😀') });
    await acceptRequests(ledger, [row]);
    expect((await claim(ledger, { id: row.id, dispatchNo: 1 }))?.body).toEqual(row.body);
    expect((await rowOf(ledger, row.id)).state).toBe("running");
  });
});
