/** BullMQ's envelope: ids and labels, never a prompt (invariants 1 and 13). Later fields are optional: jobs outlive deploys. */
import { z } from "zod";
import type { PriorityNumber } from "../request/priority.ts";

export const laneJobSchema = z.object({
  requestId: z.string(),
  dispatchNo: z.number(),
  tenant: z.string(),
  batch: z.string().optional(),
  traceparent: z.string().optional(),
});
export type LaneJob = z.infer<typeof laneJobSchema>;

export interface NewLaneJob extends LaneJob {
  readonly lane: string;
  /** The job's name on the board. */
  readonly model: string;
  readonly priority: PriorityNumber;
}

/** What a finished job shows on the board: a few words, for every completion is written to Redis twice. */
export interface JobSummary {
  readonly outcome: string;
  readonly provider?: string;
  readonly ms?: number;
  readonly tokens?: number;
  readonly costUsd?: string;
  readonly reason?: string;
}

/** One id per dispatch: adding it twice adds it once, and a later dispatch is another job. No colon: BullMQ forbids it. */
export const jobIdOf = (requestId: string, dispatchNo: number): string => `r-${requestId}-${dispatchNo}`;
