/** Batches as rows, with how long they will take at their present pace. Remembers the pace of those that are under way. */
import type { BatchHead, BatchStanding } from "../../../src/ledger/batch-standing.ts";
import { openPace, type Pace } from "../../cli/progress-pace.ts";
import type { BatchJson } from "./look-json.ts";

export type BatchRows = (batches: readonly (BatchHead & BatchStanding)[], nowMs: number) => BatchJson[];

export function openBatchRows(): BatchRows {
  let paces = new Map<string, Pace>();
  return (batches, nowMs) => {
    paces = new Map(batches.map(({ id }) => [id, paces.get(id) ?? openPace()]));
    return batches.map((batch) => rowOf(batch, nowMs, paces.get(batch.id)));
  };
}

function rowOf(batch: BatchHead & BatchStanding, nowMs: number, pace: Pace | undefined): BatchJson {
  const total = Math.max(batch.total, batch.accepted);
  const ageMs = Math.max(0, nowMs - batch.createdAt.getTime());
  const done = batch.succeeded + batch.failed + batch.cancelled;
  const recentMs = pace?.etaMs(nowMs, done, total);
  // A sample moves in steps that may be longer than the pace looks back.
  const meanMs = batch.estimated && done > 0 ? ((total - done) * ageMs) / done : undefined;
  const { id, tenant, source, state, succeeded, failed, cancelled, running, waiting, estimated } = batch;
  return {
    ...{ id, tenant, source, state, total, succeeded, failed, cancelled, running, waiting, estimated },
    etaMs: batch.finishedAt === null ? (recentMs ?? meanMs ?? null) : null,
    ageMs,
    endedAgoMs: batch.finishedAt === null ? null : Math.max(0, nowMs - batch.finishedAt.getTime()),
  };
}
