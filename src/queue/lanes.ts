/**
 * Lanes: one per limit pool, with two sides (see lane-job.ts), holding seconds of work. Finished jobs are kept in small
 * numbers for the board only; the ledger is the history.
 */
import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { jobIdOf, type NewLaneJob, queueNameOf, type Side, sides } from "./lane-job.ts";

export interface LaneDepth {
  /** Jobs waiting for a worker, by class and in all. */
  readonly waiting: number;
  readonly active: number;
}

/** Where the job of a dispatched row is. */
export interface JobPlace {
  readonly requestId: string;
  readonly dispatchNo: number;
  readonly side: Side;
}

export interface Lanes {
  /** Adds jobs; each id once. Rejects when Redis does not answer; some jobs may have been added then. */
  add(jobs: readonly NewLaneJob[]): Promise<void>;
  depth(lane: string, side: Side): Promise<LaneDepth>;
  /** Those of the given jobs that Redis no longer knows, finished ones included. */
  missing(lane: string, jobs: readonly JobPlace[]): Promise<string[]>;
  /** The id of this Redis' memory: it changes when Redis lost its data. */
  epoch(): Promise<string>;
  pause(lane: string): Promise<void>;
  resume(lane: string): Promise<void>;
  remove(lane: string, job: JobPlace): Promise<void>;
  /** The queue itself, for the board. */
  queue(lane: string, side: Side): Queue;
  /** Rejects when Redis does not answer or takes no writes: a replica, a full memory. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const epochKey = "millrace:epoch";

const jobKeyOf = (lane: string, job: JobPlace): string =>
  `${lanePrefix(lane)}:${queueNameOf(lane, job.side)}:${jobIdOf(job.requestId, job.dispatchNo)}`;

/** All keys of both sides of a lane share a hash tag: one slot of a Redis Cluster. */
export const lanePrefix = (lane: string): string => `millrace:{${lane}}`;

/** Kept for the board; removing many at once blocks Redis, so the numbers are small from the first day. */
export const keptJobs = { completed: { count: 200 }, failed: { count: 500 } } as const;

export function openLanes(redisUrl: string): Lanes {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 2, connectionName: "millrace:lanes" });
  redis.on("error", () => {}); // every command rejects with the reason
  const queues = new Map<string, Queue>();
  const queue = (lane: string, side: Side): Queue => {
    const name = queueNameOf(lane, side);
    const known = queues.get(name);
    if (known !== undefined) return known;
    const opened = new Queue(name, {
      connection: redis,
      prefix: lanePrefix(lane),
      streams: { events: { maxLen: 1_000 } },
    });
    opened.on("error", () => {});
    queues.set(name, opened);
    return opened;
  };

  return {
    async add(jobs) {
      const bySide = new Map<Queue, NewLaneJob[]>();
      for (const job of jobs) {
        const target = queue(job.lane, job.side);
        const group = bySide.get(target);
        if (group === undefined) bySide.set(target, [job]);
        else group.push(job);
      }
      await Promise.all(
        [...bySide].map(([target, group]) =>
          target.addBulk(
            group.map(({ lane: _lane, side: _side, model, priority, ...data }) => ({
              name: model,
              data,
              opts: { jobId: jobIdOf(data.requestId, data.dispatchNo), priority },
            })),
          ),
        ),
      );
    },
    async depth(lane, side) {
      const counts = await queue(lane, side).getJobCounts("wait", "prioritized", "active");
      return { waiting: (counts["wait"] ?? 0) + (counts["prioritized"] ?? 0), active: counts["active"] ?? 0 };
    },
    async missing(lane, jobs) {
      const pipeline = redis.pipeline();
      for (const job of jobs) pipeline.hmget(jobKeyOf(lane, job), "name", "finishedOn");
      const answers = (await pipeline.exec()) ?? [];
      const failed = answers.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
      const waits = (answer: unknown) => Array.isArray(answer) && answer[0] !== null && answer[1] === null;
      return jobs.filter((_job, at) => !waits(answers[at]?.[1])).map((job) => job.requestId);
    },
    async epoch() {
      const [, [error, value] = []] = (await redis.multi().setnx(epochKey, randomUUID()).get(epochKey).exec()) ?? [];
      if (typeof value !== "string") throw error ?? new Error("Redis gave no epoch");
      return value;
    },
    async pause(lane) {
      await Promise.all(sides.map((side) => queue(lane, side).pause()));
    },
    async resume(lane) {
      await Promise.all(sides.map((side) => queue(lane, side).resume()));
    },
    async remove(lane, job) {
      await queue(lane, job.side).remove(jobIdOf(job.requestId, job.dispatchNo));
    },
    queue,
    async ping() {
      await redis.set("millrace:ping", "1", "PX", 10_000);
    },
    async close() {
      await Promise.allSettled([...queues.values()].map((opened) => opened.close()));
      redis.disconnect();
    },
  };
}
