/** The answers of a batch in input order while it runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { batchById, finishBatches } from "../../src/ledger/batches.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { type AnswerPage, nextAnswers } from "./results.ts";

const lookEveryMs = 500;

/** Each answer as soon as every earlier line has one, behind line `from`. Ends when `hasEnded` says so, or when the reader leaves. */
export async function* answersAsTheyCome(
  ledger: Ledger,
  batchId: string,
  leave: AbortSignal,
  from: number,
  hasEnded: () => Promise<boolean>,
): AsyncGenerator<AnswerPage> {
  for (let afterLine = from; !leave.aborted; ) {
    const page = await nextAnswers(ledger, batchId, afterLine);
    if (page.answers.length > 0) {
      afterLine = page.upTo;
      yield page;
      continue;
    }
    if (await hasEnded()) {
      // The batch may have ended between the two looks.
      const rest = await nextAnswers(ledger, batchId, afterLine);
      if (rest.answers.length === 0) return;
      continue;
    }
    await sleep(lookEveryMs, undefined, { signal: leave }).catch(() => {});
  }
}

/** Whether no line of it is open any more. */
export async function batchHasEnded(ledger: Ledger, batchId: string): Promise<boolean> {
  await finishBatches(ledger);
  return (await batchById(ledger, batchId))?.finishedAt !== undefined;
}
