import { cancelLines } from "../../src/ledger/batches.ts";
import { type NewFile, removeFile } from "../../src/ledger/files.ts";
import type { Hosted, HostedOutcome, HostedSummary, SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { noteFinalizing, settleHosted } from "../../src/ledger/hosted-lease.ts";
import { bringInRest } from "./cancelled-rest.ts";
import type { StoredBytes } from "./file-store.ts";
import { keptSeconds } from "./kept-seconds.ts";
import { publicId, uuidIn } from "./public-id.ts";
import type { Tending } from "./tending.ts";
import { writeAnswers } from "./write-answers.ts";

/** Milliseconds until there may be more to do. Throws when a line has no answer or two: that must never be, and is never hidden. */
export async function settle(work: Tending, batch: SeenBatch, hosted: Hosted): Promise<number> {
  const { ledger } = work.fleet;
  // A line that came in while it was being cancelled.
  if (batch.state === "cancelled") await cancelLines(ledger, batch.id, "all");
  if (batch.state === "cancelled") await bringInRest(work, batch, hosted);
  await noteFinalizing(ledger, work.held);
  const wanted = hosted.wire === "openai";
  const total = batch.state === "completed" ? batch.total : undefined;
  const written = await writeAnswers(ledger, work.store, batch.id, { stop: work.stop, wanted, total });
  const { output, error, summary } = written;
  const settled = await settleHosted(ledger, work.held, {
    outcome: outcomeOf(batch, summary),
    summary,
    output: fileOf(batch, hosted, output, "output"),
    error: fileOf(batch, hosted, error, "error"),
  });
  // Nothing tells of these files: somebody else writes others.
  if (!settled) await Promise.all([output, error].map((file) => file && work.store.remove(file.name)));
  if (settled && !wanted) await forgetInput(work, hosted);
  return 0;
}

/** Requests that came with the batch itself are rows now; nobody asks for the file they were kept in. */
async function forgetInput({ fleet, store }: Tending, { inputFile }: Hosted): Promise<void> {
  const id = uuidIn("file-", inputFile);
  if (id !== undefined && (await removeFile(fleet.ledger, id)) === "removed") await store.remove(id);
}

const outcomeOf = ({ state }: SeenBatch, { expired }: HostedSummary): HostedOutcome =>
  state === "cancelled" ? "cancelled" : expired > 0 ? "expired" : "completed";

const fileOf = (
  { id, tenant }: SeenBatch,
  { outputExpiresSeconds }: Hosted,
  stored: StoredBytes | undefined,
  kind: "output" | "error",
): NewFile | undefined =>
  stored && {
    ...stored,
    id: stored.name,
    tenant,
    purpose: "batch_output",
    filename: `${publicId("batch_", id)}_${kind}.jsonl`,
    expiresSeconds: outputExpiresSeconds ?? keptSeconds,
  };
