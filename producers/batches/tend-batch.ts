import type { Order } from "../../src/intake/order.ts";
import { cancelLines, finishBatches, lastLineOf, sealBatch } from "../../src/ledger/batches.ts";
import { fileById } from "../../src/ledger/files.ts";
import type { Hosted, LineError, SeenBatch } from "../../src/ledger/hosted-batches.ts";
import { seenBatch } from "../../src/ledger/hosted-batches.ts";
import { failHosted, isWanted, noteChecked } from "../../src/ledger/hosted-lease.ts";
import { CheckedLineRefused, enqueue } from "../jsonl/enqueue.ts";
import { type Input, openInput } from "../jsonl/input.ts";
import { admitLines } from "./admit-lines.ts";
import { readAnthropicLine } from "./anthropic-line.ts";
import { checkFile } from "./check-file.ts";
import { hostedDefaults, judgeOpenaiLine } from "./openai-input.ts";
import { uuidIn } from "./public-id.ts";
import { settle } from "./settle-batch.ts";
import type { Tending } from "./tending.ts";

/** Milliseconds until there may be more to do. Rejects when the ledger is away. */
export async function tendBatch(work: Tending): Promise<number> {
  for (;;) {
    const batch = await seenBatch(work.fleet.ledger, work.held.id);
    const hosted = batch?.hosted;
    if (batch === undefined || hosted === undefined || hosted.settledAt !== undefined) return 0;
    const next = await stepOf(work, batch, hosted);
    if (next !== "at once" || work.stop.aborted) return next === "at once" ? 0 : next;
  }
}

/** Undefined steps are the workers': the batch runs. */
async function stepOf(work: Tending, batch: SeenBatch, hosted: Hosted): Promise<number | "at once"> {
  if (batch.state === "accepting") return takeIn(work, batch, hosted);
  if (batch.state === "cancelling") return windDown(work, hosted);
  if (batch.state === "completed" || batch.state === "cancelled") return settle(work, batch, hosted);
  return 0;
}

const roomMs = 2_000;
const elsewhereMs = 5_000;

async function takeIn(work: Tending, batch: SeenBatch, hosted: Hosted): Promise<number | "at once"> {
  const { fleet, held, store } = work;
  const id = uuidIn("file-", hosted.inputFile);
  const file = id === undefined ? undefined : await fileById(fleet.ledger, id, batch.tenant);
  if (file === undefined) return fail(work, [noFile(hosted.inputFile)]);
  const opened = await openInput(store.path(file.name));
  if (!opened.ok) {
    // Another server may have the bytes; a window that is over waits for none.
    if (hosted.expiresAt.getTime() < Date.now()) return fail(work, [unread(opened.reason)]);
    return elsewhereMs;
  }
  const { input } = opened;
  try {
    const lines = hosted.checkedLines ?? (await check(work, hosted, input));
    if (lines === undefined) return "at once";
    if (hosted.inProgressAt === undefined) {
      const begun = await fleet.intake.beginHosted(held, batch.tenant, lines);
      if (!begun.ok) return begun.ever ? roomMs : fail(work, [tooMuch(begun.refusal.message)]);
      if (!begun.mine) return "at once";
    }
    return await bringIn(work, batch, hosted, input, file.sha256);
  } finally {
    await input.close();
  }
}

/** Fewer than on the command line: the server has other things to hold. */
const chunkLines = 200;

/** How many lines the file has; undefined: it was refused, or the judging was stopped. */
async function check({ fleet, held, stop }: Tending, hosted: Hosted, input: Input): Promise<number | undefined> {
  const { lines, errors } = await checkFile(input, {
    config: fleet.config,
    judge: (line) => judgeOpenaiLine(line, hosted.endpoint),
    mostLines: fleet.config.batches.maxLines,
    stop,
  });
  if (stop.aborted) return undefined;
  if (errors.length > 0) await failHosted(fleet.ledger, held, errors);
  else await noteChecked(fleet.ledger, held, lines);
  return errors.length > 0 ? undefined : lines;
}

async function bringIn(
  { fleet, held, stop }: Tending,
  batch: SeenBatch,
  hosted: Hosted,
  input: Input,
  contentHash: string,
): Promise<number | "at once"> {
  const { ledger } = fleet;
  const wanted = async () => !stop.aborted && (await isWanted(ledger, batch.id));
  let waitMs = 0;
  const admit = async (orders: readonly Order[]) => {
    const admitted = await admitLines(fleet, hosted, orders);
    waitMs = admitted.waitMs;
    return admitted.count;
  };
  try {
    const enqueued = await enqueue(input, {
      intake: fleet.intake,
      batchId: batch.id,
      tenant: batch.tenant,
      deadlineMs: undefined,
      chunkLines,
      deadlineAt: hosted.expiresAt,
      rules: { defaults: hostedDefaults, verdict: () => ({}) },
      ...readerOf(hosted),
      contentHash,
      afterLine: await lastLineOf(ledger, batch.id),
      wanted,
      admit,
      stored: () => {},
    });
    if (enqueued === "changed") await failHosted(ledger, held, [unread("is not what was uploaded")]);
    if (enqueued === "all") await sealBatch(ledger, batch.id);
    // What is no longer wanted was cancelled or paused, and is found as it is then; or its key has no room.
    return enqueued === "stopped" ? waitMs : "at once";
  } catch (error) {
    if (!(error instanceof CheckedLineRefused)) throw error;
    await failHosted(ledger, held, [refusedSince(error.message)]);
    return "at once";
  }
}

/** Lines of batch files are read as those of the command line are. */
const readerOf = ({ wire }: Hosted) => (wire === "anthropic" ? { read: readAnthropicLine } : {});

const windDownMs = 300;
/** OpenAI's: calls under way may take so long to finish. */
const patienceMs = 10 * 60_000;

async function windDown({ fleet, held }: Tending, hosted: Hosted): Promise<number | "at once"> {
  const sinceMs = Date.now() - (hosted.cancellingAt?.getTime() ?? 0);
  await cancelLines(fleet.ledger, held.id, sinceMs > patienceMs ? "all" : "unstarted");
  await finishBatches(fleet.ledger);
  const now = await seenBatch(fleet.ledger, held.id);
  return now?.state === "cancelling" ? windDownMs : "at once";
}

async function fail({ fleet, held }: Tending, errors: readonly LineError[]): Promise<"at once"> {
  await failHosted(fleet.ledger, held, errors);
  return "at once";
}

const ofFile = (code: string, message: string): LineError => ({ code, message, param: "file_id", line: null });

const noFile = (id: string): LineError =>
  ofFile("invalid_request", `Cannot find file ${id}, or this tenant does not have access to it.`);
const unread = (reason: string): LineError => ofFile("invalid_request", `The input file ${reason}.`);
const tooMuch = (message: string): LineError => ({ code: "token_limit_exceeded", message, param: null, line: null });
const refusedSince = (message: string): LineError => ({
  ...ofFile("invalid_request", `The settings changed while the lines were taken in: ${message}`),
  param: null,
});
