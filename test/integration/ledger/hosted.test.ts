/** Batches that the fleet hosts: who has one in hand, how it ends, and that each end is told once. */
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { acceptRequests } from "../../../src/ledger/accept.ts";
import { holdPaused, pauseBatch, pausedReason, resumeBatch } from "../../../src/ledger/batch-pause.ts";
import { beginCancelling, cancelLines, finishBatches, openBatch, sealBatch } from "../../../src/ledger/batches.ts";
import { addFile, fileById, removeFile } from "../../../src/ledger/files.ts";
import { type NewHosted, openHosted, seenBatch } from "../../../src/ledger/hosted-batches.ts";
import {
  beginHosted,
  failHosted,
  holdHosted,
  letGoHosted,
  renewHosted,
  settleHosted,
} from "../../../src/ledger/hosted-lease.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { beginning, nextEndedBatch } from "../../../src/ledger/prune.ts";
import { releaseHeld } from "../../../src/ledger/requests.ts";
import { createEndpoint } from "../../../src/ledger/webhook-endpoints.ts";
import { newRequest, openTestLedger, stateOf } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const wish: NewHosted = {
  tenant: "t",
  wire: "openai",
  endpoint: "/v1/chat/completions",
  completionWindow: "24h",
  windowMs: 86_400_000,
  metadata: undefined,
  inputFile: "file-1",
  outputExpiresSeconds: undefined,
  fingerprint: "f",
  idempotencyKey: undefined,
  sentAgain: false,
};
const summary = { total: 2, succeeded: 0, failed: 0, cancelled: 2, expired: 0, usage: null, model: null };
const settling = { outcome: "cancelled", summary, output: undefined, error: undefined } as const;

async function opened(ledger: Ledger, more: Partial<NewHosted> = {}): Promise<string> {
  const batch = await openHosted(ledger, { ...wish, fingerprint: uuidv7(), ...more });
  if (!batch.ok) throw new Error("not opened");
  return batch.batch.id;
}

async function held(ledger: Ledger, leaseMs = 60_000) {
  const batch = await holdHosted(ledger, leaseMs);
  if (batch === undefined) throw new Error("nothing to hold");
  return batch;
}

/** Its lines are in and it runs. */
async function running(ledger: Ledger) {
  const id = await opened(ledger);
  const mine = await held(ledger);
  await beginHosted(ledger, mine, 2);
  const rows = [1, 2].map((no) =>
    newRequest({ batchId: id, line: { no, customId: `c${no}`, shape: "openai" }, tenant: "t" }),
  );
  await acceptRequests(ledger, rows);
  await sealBatch(ledger, id);
  await letGoHosted(ledger, mine, 0);
  return { id, ids: rows.map((row) => row.id) };
}

const told = async (ledger: Ledger): Promise<string[]> =>
  (await ledger.sql<{ type: string }[]>`select type from webhook_deliveries order by event_id`).map(({ type }) => type);

describe("a hosted batch", () => {
  test("is in one hand at a time, and in another one's when its lease is over", async () => {
    const ledger = await openTestLedger(services);
    const id = await opened(ledger);
    const hands = await Promise.all(Array.from({ length: 5 }, () => holdHosted(ledger, 60_000)));
    const [mine, ...others] = hands.filter((hand) => hand !== undefined);
    expect(mine?.id).toBe(id);
    expect(others).toEqual([]);
    await ledger.sql`update hosted_batches set lease_until = now() - interval '1 second'`;
    const next = await held(ledger);
    expect(next.id).toBe(id);
    if (mine === undefined) throw new Error("nobody has it");
    expect(await renewHosted(ledger, mine, 60_000)).toBe(false);
    expect(await renewHosted(ledger, next, 60_000)).toBe(true);
    expect(await beginHosted(ledger, mine, 2)).toBe(false);
    expect(await failHosted(ledger, mine, [])).toBe(false);
    expect(await beginHosted(ledger, next, 2)).toBe(true);
  });

  test("is nobody's while its requests run, and is there again when they have ended", async () => {
    const ledger = await openTestLedger(services);
    const { id } = await running(ledger);
    expect(await holdHosted(ledger, 60_000)).toBeUndefined();
    expect(await beginCancelling(ledger, id)).toBe(true);
    expect((await held(ledger)).id).toBe(id);
  });

  test("ends once, when no line is open, and tells of it then", async () => {
    const ledger = await openTestLedger(services);
    await createEndpoint(ledger, {
      tenant: "t",
      url: "https://hooks.example.com",
      secret: "whsec_x",
      events: ["batch.cancelled", "batch.failed", "batch.completed"],
      batchRequests: false,
    });
    const { id } = await running(ledger);
    await beginCancelling(ledger, id);
    const mine = await held(ledger);
    expect(await settleHosted(ledger, mine, settling)).toBe(false);
    await cancelLines(ledger, id, "unstarted");
    await finishBatches(ledger);
    expect(await nextEndedBatch(ledger, -1_000, beginning)).toBeUndefined(); // its answers are still to be written
    expect(await told(ledger)).toEqual([]);
    expect(await settleHosted(ledger, mine, settling)).toBe(true);
    expect(await settleHosted(ledger, mine, settling)).toBe(false);
    expect(await told(ledger)).toEqual(["batch.cancelled"]);
    expect(await nextEndedBatch(ledger, -1_000, beginning)).toMatchObject({ id });
    const failing = await opened(ledger);
    expect(await failHosted(ledger, await held(ledger), [])).toBe(true);
    expect(await seenBatch(ledger, failing)).toMatchObject({ state: "failed", hosted: { outcome: "failed" } });
    expect(new Set(await told(ledger))).toEqual(new Set(["batch.cancelled", "batch.failed"]));
  });

  test("keeps the file that it still reads", async () => {
    const ledger = await openTestLedger(services);
    const id = uuidv7();
    const file = {
      id,
      tenant: "t",
      purpose: "batch",
      filename: "a",
      bytes: 1,
      sha256: "",
      name: id,
      expiresSeconds: 60,
    };
    await addFile(ledger, file);
    await opened(ledger, { inputFile: `file-${id.replaceAll("-", "")}` });
    expect(await removeFile(ledger, id)).toBe("inUse");
    await failHosted(ledger, await held(ledger), []);
    expect(await removeFile(ledger, id)).toBe("removed");
    expect(await fileById(ledger, id)).toBeUndefined();
  });
});

describe("a paused batch", () => {
  test("holds what has not been sent, and what comes back, until it is resumed", async () => {
    const ledger = await openTestLedger(services);
    const { id, ids } = await running(ledger);
    expect(await pauseBatch(ledger, id)).toBe(true);
    const [first = "", second = ""] = ids;
    expect([await stateOf(ledger, first), await stateOf(ledger, second)]).toEqual(["held", "held"]);
    expect(await releaseHeld(ledger)).toBe(0);
    await ledger.sql`update requests set state = 'queued' where id = ${first}`;
    expect(await holdPaused(ledger)).toBe(1);
    const [row] = await ledger.sql`select hold_reason from requests where id = ${first}`;
    expect(row).toEqual({ hold_reason: pausedReason });
    expect(await resumeBatch(ledger, id)).toBe(2);
    expect(await holdPaused(ledger)).toBe(0);
  });

  test("that has ended is forgotten", async () => {
    const ledger = await openTestLedger(services);
    const { id } = await openBatch(ledger, { tenant: "t", source: "s", fingerprint: "f", options: {}, total: 1 });
    await pauseBatch(ledger, id);
    await ledger.sql`update batches set state = 'cancelled', finished_at = now()`;
    await holdPaused(ledger);
    expect(await ledger.sql`select 1 from toggles`).toEqual([]);
    expect(await pauseBatch(ledger, id)).toBe(false);
  });
});
