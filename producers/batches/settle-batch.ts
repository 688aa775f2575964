/** The end of a hosted batch: its files, its counts, and how it is said to have ended. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { NewFile } from "../../src/ledger/files.ts";
import type { Hosted, HostedOutcome, HostedSummary, SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { cancelLines, type HeldBatch, noteFinalizing, settleHosted } from "../../src/ledger/hosted-lease.ts";
import type { FileStore, StoredBytes } from "./file-store.ts";
import { publicId } from "./public-id.ts";
import { writeAnswers } from "./write-answers.ts";

export interface Settling {
  readonly fleet: Fleet;
  readonly store: FileStore;
  readonly held: HeldBatch;
  readonly stop: AbortSignal;
}

/** Files of batches are kept so long unless something else is said: OpenAI's thirty days. */
const keptSeconds = 2_592_000;

/** Milliseconds until there may be more to do. Throws when a line has no answer or two: that must never be, and is never hidden. */
export async function settle(work: Settling, batch: SeenBatch, hosted: Hosted): Promise<number> {
  const { ledger } = work.fleet;
  // A line that came in while it was being cancelled.
  if (batch.state === "cancelled") await cancelLines(ledger, batch.id, "all");
  await noteFinalizing(ledger, work.held);
  const { output, error, summary } = await writeAnswers(ledger, work.store, batch.id, work.stop);
  if (batch.state === "completed" && summary.total !== batch.total) {
    throw new Error(`batch ${batch.id} has ${batch.total} lines, and ${summary.total} of them have an end`);
  }
  const settled = await settleHosted(ledger, work.held, {
    outcome: outcomeOf(batch, summary),
    summary,
    output: fileOf(batch, hosted, output, "output"),
    error: fileOf(batch, hosted, error, "error"),
  });
  // Nothing tells of these files: somebody else writes others.
  if (!settled) await Promise.all([output, error].map((file) => file && work.store.remove(file.name)));
  return 0;
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
