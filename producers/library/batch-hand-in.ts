/** Hands lines in as one batch. Killed anywhere, the same call with the same lines goes on where it was. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import { batchById, cancelBatch, lastLineOf, sealBatch } from "../../src/ledger/batches.ts";
import type { Priority } from "../../src/request/priority.ts";
import { fingerprintOf } from "../batches/fingerprint.ts";

/** What holds for all lines that say nothing of it. */
export interface Handing {
  readonly tenant: string;
  readonly priority: Priority;
  readonly model: string | undefined;
  readonly deadlineMs: number | undefined;
}

export interface Lines {
  readonly total: number;
  readonly contentHash: string;
  /** Those behind this line, while the batch is wanted. */
  bring(batchId: string, afterLine: number, wanted: () => Promise<boolean>): Promise<"all" | "stopped" | "changed">;
  close(): Promise<void>;
}

export type HandedIn =
  | { readonly ok: true; readonly id: string; readonly fresh: boolean }
  | { readonly ok: false; readonly reason: string; readonly retryAfterSeconds?: number };

export async function handInLines(
  fleet: Fleet,
  lines: Lines,
  handing: Handing,
  { source, startOver }: { readonly source: string; readonly startOver: boolean },
): Promise<HandedIn> {
  const { ledger, intake } = fleet;
  const { tenant, priority, model, deadlineMs } = handing;
  const fingerprint = fingerprintOf({ contentHash: lines.contentHash, ...handing });
  const options = {
    priority,
    ...(model === undefined ? {} : { model }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
  const opened = await intake.openBatch({ tenant, source, fingerprint, options, total: lines.total }, startOver);
  if (!opened.ok) {
    const { message, retryAfterSeconds } = opened.refusal;
    return { ok: false, reason: message, retryAfterSeconds };
  }
  const { fresh } = opened;
  const { id } = opened.batch;
  if (opened.batch.state !== "accepting") return { ok: true, id, fresh };
  const state = async () => (await batchById(ledger, id))?.state;
  const brought = await lines.bring(id, await lastLineOf(ledger, id), async () => (await state()) === "accepting");
  if (brought === "all" && (await sealBatch(ledger, id))) return { ok: true, id, fresh };
  const now = await state();
  // Another call with the same lines was faster.
  if (brought !== "changed" && (now === "running" || now === "completed")) return { ok: true, id, fresh };
  await cancelBatch(ledger, id);
  const why = brought === "changed" ? "the file changed while it was read" : "it was cancelled meanwhile";
  return { ok: false, reason: `batch ${id} was cancelled while its lines were coming in: ${why}` };
}
