/** A batch that was handed in: how far it is, and its answers in the order of its items. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import { type BatchLine, batchLines } from "../../src/ledger/batch-results.ts";
import { type BatchCounts, type BatchState, batchById, batchCounts, cancelBatch } from "../../src/ledger/batches.ts";
import { isTerminal } from "../../src/request/lifecycle.ts";
import { openPageSize } from "../jsonl/results.ts";
import { type Answer, answerFrom } from "./answer.ts";
import type { EndWaiter } from "./ended.ts";

export interface Batch {
  readonly id: string;
  /** False: the same was handed in before, and this is its batch. */
  readonly fresh: boolean;
  progress(): Promise<BatchProgress>;
  /**
   * One for each item, in the order of the items, each as soon as it and all before it have ended. A batch may be iterated
   * again and again. An abort rejects with its reason.
   */
  results(options?: { readonly signal?: AbortSignal }): AsyncGenerator<BatchAnswer>;
  /** Cancels what has not ended. */
  cancel(): Promise<void>;
}

export interface BatchProgress extends BatchCounts {
  readonly state: BatchState;
  readonly total: number;
}

export type BatchAnswer = {
  /** As it was given, or `line-<number>`. */
  readonly id: string;
  /** From 1 on. */
  readonly line: number;
  readonly requestId: string;
} & (
  | { readonly state: "succeeded"; readonly answer: Answer }
  /** It was answered, and the answer is no longer kept. */
  | { readonly state: "succeeded"; readonly answer: undefined }
  | {
      readonly state: "failed" | "cancelled";
      readonly reason: string | undefined;
      /** What the model said, where that was not of the form that was asked for. */
      readonly rejected?: string;
    }
);

const lookMs = 5_000;

export function batchOf(fleet: Fleet, waiter: EndWaiter, id: string, fresh: boolean): Batch {
  const { ledger } = fleet;
  return {
    id,
    fresh,
    async progress() {
      const [batch, counts] = await Promise.all([batchById(ledger, id), batchCounts(ledger, id)]);
      if (batch === undefined) throw new Error(`batch ${id} is gone`);
      return { state: batch.state, total: batch.total, ...counts };
    },
    async *results({ signal } = {}) {
      const size = openPageSize();
      for (let afterLine = 0; ; ) {
        signal?.throwIfAborted();
        const page = await batchLines(ledger, id, { afterLine, limit: size.lines() });
        size.had(page.reduce((sum, { result }) => sum + (JSON.stringify(result)?.length ?? 0), 0));
        const open = page.findIndex(({ state }) => !isTerminal(state));
        for (const line of open === -1 ? page : page.slice(0, open)) {
          yield answerIn(line);
          afterLine = line.lineNo;
        }
        const first = page[open];
        if (first !== undefined) await waiter.ended(first.requestId, lookMs, signal);
        else if (page.length === 0) return;
      }
    },
    async cancel() {
      await cancelBatch(ledger, id);
    },
  };
}

function answerIn(line: BatchLine): BatchAnswer {
  const { customId, lineNo, requestId, state, result, failure, rejected } = line;
  const head = { id: customId, line: lineNo, requestId };
  if (state === "succeeded") {
    const answer = result === undefined ? undefined : answerFrom(requestId, result, line.usage, line.costNanoUsd);
    return answer === undefined ? { ...head, state, answer } : { ...head, state, answer };
  }
  const reason = failure === undefined ? undefined : `${failure.kind}: ${failure.message}`;
  const ended = state === "cancelled" ? state : "failed";
  return { ...head, state: ended, reason, ...(rejected === undefined ? {} : { rejected }) };
}
