/** The table of src/request/lifecycle.ts against what the SQL really does: every state, every statement that moves a row. */
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bringDue, markDispatched, recallDispatched } from "../../../src/ledger/backlog.ts";
import { cancelBatch } from "../../../src/ledger/batches.ts";
import { claimRequests } from "../../../src/ledger/claim.ts";
import { divertRows } from "../../../src/ledger/diversion.ts";
import { type Ledger, openLedger } from "../../../src/ledger/ledger.ts";
import { type RecordInput, recordRequests } from "../../../src/ledger/record.ts";
import { cancelRequest, releaseHeld } from "../../../src/ledger/requests.ts";
import { expireOverdue, recallOtherEpochs, rescueExpiredLeases } from "../../../src/ledger/rescue.ts";
import {
  isTerminal,
  nextState,
  type RequestEvent,
  type RequestState,
  requestEvents,
  requestStates,
} from "../../../src/request/lifecycle.ts";
import { type RequestRow, requestIn, result, rowOf } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const batchId = uuidv7();
let ledger: Ledger;
beforeAll(async () => {
  ledger = openLedger(await services.emptyDatabase());
});
afterAll(() => ledger.close());

interface Statement {
  readonly name: string;
  readonly event: RequestEvent;
  readonly run: (ledger: Ledger, id: string, row: RequestRow) => Promise<unknown>;
  /** States that the table lets the event leave, but this statement never looks at. */
  readonly notFrom?: readonly RequestState[];
}

/** With the row's own lease where it has one: the strongest claim to move it that there is. */
const record = (event: RecordInput["event"], more: Partial<RecordInput> = {}): Statement => ({
  name: `record ${event}`,
  event,
  notFrom: event === "succeed" ? [] : ["queued", "dispatched", "waiting"],
  run: (ledger, id, row) =>
    recordRequests(ledger)({
      requestId: id,
      leaseToken: row.lease_token ?? uuidv7(),
      tenant: "t",
      batchId: undefined,
      dispatchNo: row.dispatch_no,
      attemptNo: 1,
      event,
      spent: true,
      ...more,
    }),
});

const set = (ledger: Ledger, id: string, change: string) =>
  ledger.sql.unsafe(`update requests set ${change} where id = '${id}'`);
const failure = { kind: "server", message: "500" };

const statements: readonly Statement[] = [
  { name: "markDispatched", event: "dispatch", run: (ledger, id) => markDispatched(ledger, [id], "e2") },
  {
    name: "claimRequests",
    event: "claim",
    run: (ledger, id, row) => claimRequests(ledger, 60_000)({ id, dispatchNo: row.dispatch_no, leaseToken: uuidv7() }),
  },
  record("succeed", { result }),
  record("fail", { failure }),
  record("postpone", { delayMs: 10, failure }),
  record("fallBack", { onward: { deployment: "openai/gpt-5", lane: "openai.gpt-5", passedOver: [], spentThere: 0 } }),
  {
    name: "divertRows",
    event: "fallBack",
    notFrom: ["running"],
    run: (ledger, id, row) =>
      divertRows(ledger, [
        { id, from: row.deployment, deployment: "openai/gpt-5", lane: "openai.gpt-5", passedOver: [], spentThere: 0 },
      ]),
  },
  record("handBack", { spent: false }),
  record("hold", { holdReason: "?" }),
  {
    name: "bringDue",
    event: "comeDue",
    run: async (ledger, id) => {
      await set(ledger, id, "not_before = now() - interval '1 second'");
      await bringDue(ledger);
    },
  },
  { name: "recallDispatched", event: "recall", run: (ledger, id) => recallDispatched(ledger, [id]) },
  { name: "recallOtherEpochs", event: "recall", run: (ledger) => recallOtherEpochs(ledger, "another epoch") },
  {
    name: "rescueExpiredLeases",
    event: "rescue",
    run: async (ledger, id) => {
      await set(ledger, id, "lease_until = now() - interval '1 second'");
      await rescueExpiredLeases(ledger);
    },
  },
  { name: "releaseHeld", event: "release", run: (ledger) => releaseHeld(ledger) },
  {
    name: "expireOverdue",
    event: "expire",
    run: async (ledger, id) => {
      await set(ledger, id, "deadline = now() - interval '1 second'");
      await expireOverdue(ledger);
    },
  },
  { name: "cancelRequest", event: "cancel", run: (ledger, id) => cancelRequest(ledger, id) },
  { name: "cancelBatch", event: "cancel", run: (ledger) => cancelBatch(ledger, batchId) },
];

describe.each(statements)("$name", ({ event, run, notFrom = [] }) => {
  test.each(requestStates)("moves a request that is %s if, and only if, the table says so", async (state) => {
    await services.emptyDatabase();
    const id = await requestIn(ledger, state, { batchId });
    const before = await rowOf(ledger, id);
    expect(before.state).toBe(state);
    await run(ledger, id, before);
    const after = await rowOf(ledger, id);
    expect(after.state).toBe((notFrom.includes(state) ? undefined : nextState(state, event)) ?? state);
    expect(after.lease_token !== null).toBe(after.state === "running");
    expect(after.finished_at !== null).toBe(isTerminal(after.state));
  });
});

test("every event of the table has a statement", () => {
  expect(new Set(statements.map(({ event }) => event))).toEqual(new Set(requestEvents));
});
