/**
 * Handing a checked file in: finds the batch it became before, or opens one, and brings in the lines that are missing.
 * Killed anywhere, the same command goes on.
 */
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type BatchView, batchById, cancelBatch, lastLineOf, sealBatch } from "../../../src/ledger/batches.ts";
import { fingerprintOf } from "../../batches/fingerprint.ts";
import { enqueue } from "../../jsonl/enqueue.ts";
import { count } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { patiently } from "../patience.ts";
import type { CheckedInput } from "./batch-input.ts";
import type { BatchRunOptions } from "./batch-options.ts";

export interface HandIn extends CheckedInput {
  readonly fleet: Fleet;
  readonly options: BatchRunOptions;
  /** Where the batch comes from, as shown in lists. */
  readonly source: string;
  readonly say: (line: string) => void;
  readonly leave: AbortSignal;
}

export interface HandedIn {
  readonly batch: BatchView;
  /** False: the same file was handed in before, and this is its batch. */
  readonly fresh: boolean;
  /** False: the person left before every line was in. */
  readonly complete: boolean;
}

/** Throws CommandFailed when the backlog has no room for all of its lines; nothing of it is stored then. */
export async function handIn(work: HandIn): Promise<HandedIn> {
  const { fleet, options, checked } = work;
  const tenant = options.tenant ?? fleet.config.tenant;
  const wanted = {
    tenant,
    source: work.source,
    fingerprint: fingerprintOf({
      contentHash: checked.contentHash,
      tenant,
      model: options.model,
      priority: options.priority,
      deadlineMs: options.deadline,
    }),
    options: optionsOf(options),
    total: checked.good,
  };
  const opened = await fleet.intake.openBatch(wanted, options.new === true);
  if (!opened.ok) throw new CommandFailed(opened.refusal.message, exitCodes.busy);
  const { batch, fresh } = opened;
  if (batch.state !== "accepting") return { batch, fresh, complete: true };
  const complete = await bringIn(work, batch);
  return { batch: (await batchById(fleet.ledger, batch.id)) ?? batch, fresh, complete };
}

const optionsOf = ({ model, priority, deadline, skipBad }: BatchRunOptions) => ({
  priority,
  ...(model === undefined ? {} : { model }),
  ...(deadline === undefined ? {} : { deadlineMs: deadline }),
  ...(skipBad === true ? { skipBad } : {}),
});

/** False when the person left before the end. Throws CommandFailed when the file or the batch changed meanwhile. */
async function bringIn(work: HandIn, batch: BatchView): Promise<boolean> {
  const { fleet, input, checked, rules, leave, say } = work;
  const state = async () => (await batchById(fleet.ledger, batch.id))?.state;
  const told = openToll(checked.good, say);
  const enqueued = await patiently(
    async () =>
      enqueue(input, {
        intake: fleet.intake,
        batchId: batch.id,
        tenant: batch.tenant,
        deadlineMs: work.options.deadline,
        rules,
        contentHash: checked.contentHash,
        afterLine: await lastLineOf(fleet.ledger, batch.id),
        wanted: async () => !leave.aborted && (await state()) === "accepting",
        stored: told,
      }),
    { say, signal: leave },
  );
  if (enqueued === "all") {
    if (await sealBatch(fleet.ledger, batch.id)) return true;
  } else if (enqueued === "changed") {
    await cancelBatch(fleet.ledger, batch.id);
    throw new CommandFailed(
      `${input.path} changed while it was read. Batch ${batch.id} was cancelled; run the command again for the file as it is now.`,
    );
  }
  const now = await state();
  if (now === "running" || now === "completed") return true; // another run of the same command was faster
  if (now === "accepting") return false;
  // Lines that came in while it was being cancelled.
  await cancelBatch(fleet.ledger, batch.id);
  throw new CommandFailed(`Batch ${batch.id} was cancelled while its lines were coming in.`);
}

/** Says how far it is, every few seconds of a long way. */
function openToll(total: number, say: (line: string) => void): (line: number) => void {
  let saidAt = Date.now();
  return (line) => {
    if (Date.now() - saidAt < 3_000) return;
    saidAt = Date.now();
    say(`accepted up to line ${count(line)} of about ${count(total)}`);
  };
}
