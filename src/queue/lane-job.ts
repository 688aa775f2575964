/** BullMQ's envelope: ids and labels, never a prompt (invariants 1 and 13). Later fields are optional: jobs outlive deploys. */
import { z } from "zod";
import { type PriorityNumber, priorities } from "../request/priority.ts";

export const laneJobSchema = z.object({
  requestId: z.string(),
  dispatchNo: z.number(),
  tenant: z.string(),
  batch: z.string().optional(),
  traceparent: z.string().optional(),
});
export type LaneJob = z.infer<typeof laneJobSchema>;

/**
 * A lane has two sides, each a BullMQ queue: interactive requests ride on the express side, which has slots of its own in
 * every worker, so they never wait for a bulk call to end. Both sides ask the same limiter. See docs/adr/0003.
 */
export const sides = ["main", "express"] as const;
export type Side = (typeof sides)[number];

export const sideOf = (requestPriority: number): Side =>
  requestPriority === priorities.interactive ? "express" : "main";

/** The BullMQ queue of one side of a lane. */
export const queueNameOf = (lane: string, side: Side): string => (side === "main" ? lane : `${lane}.express`);

export interface NewLaneJob extends LaneJob {
  readonly lane: string;
  readonly side: Side;
  /** The job's name on the board. */
  readonly model: string;
  /** The place in its queue: the request's class, or higher when it has aged. */
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

/** Which dispatch a job is; undefined: it is none of ours. */
export function dispatchOf(jobId: string): { readonly requestId: string; readonly dispatchNo: number } | undefined {
  const [, requestId, dispatchNo] = /^r-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d+)$/.exec(jobId) ?? [];
  return requestId === undefined ? undefined : { requestId, dispatchNo: Number(dispatchNo) };
}
