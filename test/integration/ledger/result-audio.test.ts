import { describe, expect, test } from "vitest";
import { captureSchema, retentionSchema } from "../../../src/config/retention.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { audioOf } from "../../../src/ledger/result-audio.ts";
import { openPruning } from "../../../src/ledger/retention.ts";
import { rollUpAttempts } from "../../../src/ledger/stats.ts";
import { accepted, call, ending, openTestLedger, result, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** Every byte there is. */
const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const audio = { data, mediaType: "audio/mpeg" };

async function spoken(ledger: Ledger, tenant = "t"): Promise<string> {
  const [id = ""] = await accepted(ledger, 1, { tenant });
  const sounding = { ...result, text: "", audio: { mediaType: audio.mediaType, bytes: data.length } };
  await recordRequests(ledger)(ending(await running(ledger, id), { result: sounding, audio, attempt: call() }));
  while ((await rollUpAttempts(ledger)) > 0);
  await ledger.sql`update requests set finished_at = now() - interval '3 days' where id = ${id}`;
  return id;
}

async function prune(ledger: Ledger, wish: { retention?: object; capture?: object }, dryRun = false): Promise<void> {
  const keeping = {
    retention: retentionSchema.parse(wish.retention ?? {}),
    capture: captureSchema.parse(wish.capture ?? {}),
  };
  const pruning = openPruning(ledger, keeping, { dryRun });
  while ((await pruning.step()) !== undefined);
}

describe("the sound of an answer", () => {
  test("is read back byte for byte, with its type", async () => {
    const ledger = await openTestLedger(services);
    const id = await spoken(ledger);
    expect(await audioOf(ledger, id)).toEqual({ data: Buffer.from(data), mediaType: "audio/mpeg" });
    expect((await requestById(ledger, id))?.result?.audio).toEqual({ mediaType: "audio/mpeg", bytes: 256 });
  });

  test("is not there where the answer is text", async () => {
    const ledger = await openTestLedger(services);
    const [id = ""] = await accepted(ledger, 1);
    await recordRequests(ledger)(ending(await running(ledger, id), { result }));
    expect(await audioOf(ledger, id)).toBeUndefined();
  });

  test.each([
    ["with answers", { retention: { resultsDays: 1 } }],
    ["with requests", { retention: { logsDays: 1 } }],
    ["where nothing is captured", { capture: { default: "off" } }],
    ["where texts are masked, for it cannot be", { capture: { default: "redacted" } }],
  ])("goes %s, and stays in a dry run", async (_when, wish) => {
    const ledger = await openTestLedger(services);
    const id = await spoken(ledger);
    await prune(ledger, wish, true);
    expect(await audioOf(ledger, id)).toBeDefined();
    await prune(ledger, wish);
    expect(await audioOf(ledger, id)).toBeUndefined();
    expect(await ledger.sql`select 1 from result_audio`).toHaveLength(0);
  });

  test("stays when prompts go, and of tenants whose answers stay", async () => {
    const ledger = await openTestLedger(services);
    const [kept, gone] = [await spoken(ledger), await spoken(ledger, "clinic")];
    await prune(ledger, { retention: { payloadsDays: 1 }, capture: { tenants: { clinic: "off" } } });
    expect(await audioOf(ledger, kept)).toBeDefined();
    expect(await audioOf(ledger, gone)).toBeUndefined();
  });
});
