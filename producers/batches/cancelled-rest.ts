/** Lines of a cancelled batch that had not come in: they come in as cancelled, so that every line of its file has an end. */
import { cancelledIntake } from "../../src/intake/accept-cancelled.ts";
import { batchCounts, lastLineOf } from "../../src/ledger/batches.ts";
import { fileById } from "../../src/ledger/files.ts";
import type { Hosted, SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { noteTotal } from "../../src/ledger/hosted-lease.ts";
import { CheckedLineRefused, enqueue } from "../jsonl/enqueue.ts";
import { openInput } from "../jsonl/input.ts";
import { readAnthropicLine } from "./anthropic-line.ts";
import { hostedDefaults } from "./openai-input.ts";
import { uuidIn } from "./public-id.ts";
import type { Tending } from "./tending.ts";

/** Nothing of a file that was not judged, nor of one whose bytes are not here: what is not known cannot be said. */
export async function bringInRest({ fleet, store, stop }: Tending, batch: SeenBatch, hosted: Hosted): Promise<void> {
  const { ledger } = fleet;
  const id = uuidIn("file-", hosted.inputFile);
  if (hosted.checkedLines === undefined || id === undefined) return;
  if ((await batchCounts(ledger, batch.id)).accepted >= hosted.checkedLines) return;
  const file = await fileById(ledger, id, batch.tenant);
  const opened = file === undefined ? undefined : await openInput(store.path(file.name));
  if (file === undefined || opened?.ok !== true) return;
  const { input } = opened;
  try {
    await enqueue(input, {
      intake: cancelledIntake(fleet.config, ledger),
      batchId: batch.id,
      tenant: batch.tenant,
      deadlineMs: undefined,
      rules: { defaults: hostedDefaults, verdict: () => ({}) },
      ...(hosted.wire === "anthropic" ? { read: readAnthropicLine } : {}),
      contentHash: file.sha256,
      afterLine: await lastLineOf(ledger, batch.id),
      wanted: async () => !stop.aborted,
      stored: () => {},
    });
    await noteTotal(ledger, batch.id);
  } catch (error) {
    // The settings no longer know a model of it: those lines cannot have rows.
    if (!(error instanceof CheckedLineRefused)) throw error;
  } finally {
    await input.close();
  }
}
