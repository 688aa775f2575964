/**
 * Lanes: one BullMQ queue per limit pool, holding seconds of work. All keys of a lane share a hash tag. Finished jobs are
 * kept in small numbers for the board only; the ledger is the history.
 */
import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { jobIdOf, type NewLaneJob } from "./lane-job.ts";

export interface LaneDepth {
  /** Jobs waiting for a worker, by class and in all. */
  readonly waiting: number;
  readonly active: number;
}

export interface Lanes {
  /** Adds jobs; each id once. Rejects when Redis does not answer; some jobs may have been added then. */
  add(jobs: readonly NewLaneJob[]): Promise<void>;
  depth(lane: string): Promise<LaneDepth>;
  /** Those of the given jobs that Redis no longer knows, finished ones included. */
  missing(
    lane: string,
    jobs: readonly { readonly requestId: string; readonly dispatchNo: number }[],
  ): Promise<string[]>;
  /** The id of this Redis' memory: it changes when Redis lost its data. */
  epoch(): Promise<string>;
  pause(lane: string): Promise<void>;
  resume(lane: string): Promise<void>;
  remove(lane: string, requestId: string, dispatchNo: number): Promise<void>;
  /** Changes the place of a waiting job. */
  prioritise(lane: string, requestId: string, dispatchNo: number, priority: number): Promise<void>;
  /** The queue itself, for the board. */
  queue(lane: string): Queue;
  /** Rejects when Redis does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const epochKey = "millrace:epoch";
export const lanePrefix = (lane: string): string => `millrace:{${lane}}`;

/** Kept for the board; removing many at once blocks Redis, so the numbers are small from the first day. */
export const keptJobs = { completed: { count: 200 }, failed: { count: 500 } } as const;

export function openLanes(redisUrl: string): Lanes {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 2, connectionName: "millrace:lanes" });
  redis.on("error", () => {}); // every command rejects with the reason
  const queues = new Map<string, Queue>();
  const queue = (lane: string): Queue => {
    const known = queues.get(lane);
    if (known !== undefined) return known;
    const opened = new Queue(lane, {
      connection: redis,
      prefix: lanePrefix(lane),
      streams: { events: { maxLen: 1_000 } },
    });
    opened.on("error", () => {});
    queues.set(lane, opened);
    return opened;
  };

  return {
    async add(jobs) {
      const byLane = new Map<string, NewLaneJob[]>();
      for (const job of jobs) byLane.set(job.lane, [...(byLane.get(job.lane) ?? []), job]);
      await Promise.all(
        [...byLane].map(([lane, group]) =>
          queue(lane).addBulk(
            group.map(({ lane: _lane, model, priority, ...data }) => ({
              name: model,
              data,
              opts: { jobId: jobIdOf(data.requestId, data.dispatchNo), priority },
            })),
          ),
        ),
      );
    },
    async depth(lane) {
      const counts = await queue(lane).getJobCounts("wait", "prioritized", "active");
      return { waiting: (counts["wait"] ?? 0) + (counts["prioritized"] ?? 0), active: counts["active"] ?? 0 };
    },
    async missing(lane, jobs) {
      const pipeline = redis.pipeline();
      for (const job of jobs)
        pipeline.hexists(`${lanePrefix(lane)}:${lane}:${jobIdOf(job.requestId, job.dispatchNo)}`, "finishedOn");
      for (const job of jobs) pipeline.exists(`${lanePrefix(lane)}:${lane}:${jobIdOf(job.requestId, job.dispatchNo)}`);
      const answers = (await pipeline.exec()) ?? [];
      const failed = answers.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
      return jobs
        .filter((_job, at) => answers[at]?.[1] === 1 || answers[at + jobs.length]?.[1] !== 1)
        .map((job) => job.requestId);
    },
    async epoch() {
      const [, [error, value] = []] = (await redis.multi().setnx(epochKey, randomUUID()).get(epochKey).exec()) ?? [];
      if (typeof value !== "string") throw error ?? new Error("Redis gave no epoch");
      return value;
    },
    pause: (lane) => queue(lane).pause(),
    resume: (lane) => queue(lane).resume(),
    async remove(lane, requestId, dispatchNo) {
      await queue(lane).remove(jobIdOf(requestId, dispatchNo));
    },
    async prioritise(lane, requestId, dispatchNo, priority) {
      const job = await queue(lane).getJob(jobIdOf(requestId, dispatchNo));
      await job?.changePriority({ priority });
    },
    queue,
    async ping() {
      await redis.ping();
    },
    async close() {
      await Promise.allSettled([...queues.values()].map((opened) => opened.close()));
      redis.disconnect();
    },
  };
}
