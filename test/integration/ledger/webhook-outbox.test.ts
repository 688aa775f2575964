/** Every end writes its event in the statement that makes it one, for those who asked, and for nobody else. */
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import {
  batchById,
  cancelBatch,
  finishBatches,
  openBatch,
  retryFailed,
  sealBatch,
} from "../../../src/ledger/batches.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { expireOverdue, rescueExpiredLeases } from "../../../src/ledger/rescue.ts";
import { createEndpoint, type NewEndpoint, revokeEndpoint } from "../../../src/ledger/webhook-endpoints.ts";
import { requestStates } from "../../../src/request/lifecycle.ts";
import { eventTypes } from "../../../src/webhook/event.ts";
import { accepted, ending, openTestLedger, requestIn, result, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function endpoint(ledger: Ledger, more: Partial<NewEndpoint> = {}): Promise<string> {
  const wish = {
    tenant: "t",
    url: "https://example.com/",
    secret: "whsec_AAAA",
    events: eventTypes,
    batchRequests: false,
  };
  const made = await createEndpoint(ledger, { ...wish, ...more });
  return made?.id ?? "";
}

interface Told {
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly type: string;
  readonly subject_id: string;
}

const told = (ledger: Ledger) => ledger.sql<Told[]>`
  select event_id, endpoint_id, type, subject_id from webhook_deliveries order by occurred_at, type`;

async function batchOf(ledger: Ledger, requests: number) {
  const batch = await openBatch(ledger, {
    tenant: "t",
    source: "x",
    fingerprint: uuidv7(),
    options: {},
    total: requests,
  });
  const ids = await accepted(ledger, requests, { batchId: batch.id });
  await sealBatch(ledger, batch.id);
  return { id: batch.id, ids };
}

describe("the end of a request", () => {
  test.each(requestStates)("is told when it is %s, if that is an end", async (state) => {
    const ledger = await openTestLedger(services);
    const who = await endpoint(ledger);
    const id = await requestIn(ledger, state);
    const isEnd = ["succeeded", "failed", "cancelled"].includes(state);
    expect(await told(ledger)).toMatchObject(
      isEnd ? [{ endpoint_id: who, type: `request.${state}`, subject_id: id }] : [],
    );
  });

  test("is told when its deadline passes, and when it takes down its third worker", async () => {
    const ledger = await openTestLedger(services);
    await endpoint(ledger);
    const [late = ""] = await accepted(ledger, 1, { deadline: new Date(Date.now() - 1_000) });
    await expireOverdue(ledger);
    const [poison = ""] = await accepted(ledger, 1);
    for (let lost = 0; lost < 3; lost += 1) {
      await running(ledger, poison);
      await ledger.sql`update requests set lease_until = now() - interval '1 second' where id = ${poison}`;
      await rescueExpiredLeases(ledger);
    }
    expect(await told(ledger)).toMatchObject([
      { type: "request.failed", subject_id: late },
      { type: "request.failed", subject_id: poison },
    ]);
  });

  test("is told once, however often it is said", async () => {
    const ledger = await openTestLedger(services);
    await endpoint(ledger);
    const [id = ""] = await accepted(ledger, 1);
    const record = recordRequests(ledger);
    const end = ending(await running(ledger, id), { result });
    await Promise.all([record(end), record(end)]);
    await record(end);
    await cancelRequest(ledger, id);
    expect(await told(ledger)).toHaveLength(1);
  });

  test("of a batch is told only where that was asked for", async () => {
    const ledger = await openTestLedger(services);
    await endpoint(ledger);
    const all = await endpoint(ledger, { batchRequests: true });
    const { ids } = await batchOf(ledger, 2);
    await recordRequests(ledger)(ending(await running(ledger, ids[0] ?? ""), { result }));
    await cancelRequest(ledger, ids[1] ?? "");
    expect(await told(ledger)).toMatchObject([
      { endpoint_id: all, type: "request.succeeded", subject_id: ids[0] },
      { endpoint_id: all, type: "request.cancelled", subject_id: ids[1] },
    ]);
  });
});

describe("an endpoint", () => {
  test("is told of its own tenant, of what it asked for, and of nothing once it is revoked", async () => {
    const ledger = await openTestLedger(services);
    await endpoint(ledger, { tenant: "other" });
    await endpoint(ledger, { events: ["request.failed"] });
    const revoked = await endpoint(ledger);
    await revokeEndpoint(ledger, revoked);
    await requestIn(ledger, "succeeded");
    expect(await told(ledger)).toEqual([]);
    const [row] = await ledger.sql`select secret from webhook_endpoints where id = ${revoked}`;
    expect(row).toEqual({ secret: null });
  });

  test("has the same event as every other one, under the same id", async () => {
    const ledger = await openTestLedger(services);
    const both = [await endpoint(ledger), await endpoint(ledger)];
    await requestIn(ledger, "succeeded");
    const rows = await told(ledger);
    expect(rows.map((row) => row.endpoint_id).sort()).toEqual(both.sort());
    expect(new Set(rows.map((row) => row.event_id)).size).toBe(1);
  });

  test("may be one of twenty of its tenant, however many are registered at once", async () => {
    const ledger = await openTestLedger(services);
    const made = await Promise.all(Array.from({ length: 24 }, () => endpoint(ledger)));
    expect(made.filter((id) => id !== "")).toHaveLength(20);
    expect(await endpoint(ledger, { tenant: "other" })).not.toBe("");
  });
});

describe("the end of a batch", () => {
  test("is told once, and again when it ends again after a retry, as another event", async () => {
    const ledger = await openTestLedger(services);
    await endpoint(ledger, { events: ["batch.completed"] });
    const { id, ids } = await batchOf(ledger, 1);
    const failure = { kind: "client", message: "no" };
    await recordRequests(ledger)(ending(await running(ledger, ids[0] ?? ""), { event: "fail", failure }));
    await Promise.all([finishBatches(ledger), finishBatches(ledger)]);
    expect(await retryFailed(ledger, id)).toBe(1);
    expect((await batchById(ledger, id))?.state).toBe("running");
    const [again] = await ledger.sql<{ id: string }[]>`select id from requests where batch_id = ${id}`;
    await recordRequests(ledger)(ending(await running(ledger, again?.id ?? ""), { result }));
    await finishBatches(ledger);
    const rows = await told(ledger);
    expect(rows).toMatchObject([{ type: "batch.completed", subject_id: id }, { subject_id: id }]);
    expect(rows[0]?.event_id).not.toBe(rows[1]?.event_id);
  });

  test("by cancelling is told as one event, with its requests where that was asked for", async () => {
    const ledger = await openTestLedger(services);
    const few = await endpoint(ledger);
    const all = await endpoint(ledger, { batchRequests: true });
    const { id } = await batchOf(ledger, 3);
    expect(await cancelBatch(ledger, id)).toBe(3);
    const rows = await told(ledger);
    expect(rows.filter((row) => row.endpoint_id === few)).toMatchObject([{ type: "batch.cancelled", subject_id: id }]);
    expect(
      rows
        .filter((row) => row.endpoint_id === all)
        .map((row) => row.type)
        .sort(),
    ).toEqual(["batch.cancelled", "request.cancelled", "request.cancelled", "request.cancelled"]);
  });
});
