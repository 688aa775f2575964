/**
 * Lanes: one per limit pool, with two sides (see lane-job.ts), holding seconds of work. Finished jobs are kept in small
 * numbers for the board only; the ledger is the history.
 */
import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { openRedis } from "../runtime/redis-client.ts";
import { isInfoRefused, runIdOf } from "../runtime/redis-patience.ts";
import { dispatchOf, jobIdOf, type NewLaneJob, queueNameOf, type Side, sides } from "./lane-job.ts";
import { tellOfJobs } from "./lane-news.ts";
import { workersByLane } from "./presence.ts";

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
  /** Whether a worker is wanted there: for jobs that wait, or that one has in hand, who may be dead. */
  hasJobs(lane: string, side: Side): Promise<boolean>;
  /** Processes that serve each lane; lanes that nobody serves are not among them. Rejects when Redis is away or does not say. */
  workers(): Promise<ReadonlyMap<string, number>>;
  /** Whether nobody waits on this side of the lane, and it is not paused. */
  isFree(lane: string, side: Side): Promise<boolean>;
  /** Those of the given jobs that Redis no longer knows, finished ones included. */
  missing(lane: string, jobs: readonly JobPlace[]): Promise<string[]>;
  /** Jobs of one side that wait for a worker, in their order, from the `from`th on: about `limit`. */
  waiting(lane: string, side: Side, from: number, limit: number): Promise<JobPlace[]>;
  /**
   * The id of this Redis' memory: it changes when Redis lost its data, and when another server process answers, which may
   * lack the last of them.
   */
  epoch(): Promise<string>;
  pause(lane: string): Promise<void>;
  resume(lane: string): Promise<void>;
  /** A job that a worker has in hand stays. */
  remove(lane: string, job: JobPlace): Promise<void>;
  /** The queue itself, for the board. */
  queue(lane: string, side: Side): Queue;
  /** Rejects when Redis does not answer or takes no writes: a replica, a full memory. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Ours is redis-check.ts; BullMQ's fails where a user may not ask for INFO. */
export const skipVersionCheck = true;

const epochKey = "millrace:epoch";

const keysOf = (lane: string, side: Side): string => `${lanePrefix(lane)}:${queueNameOf(lane, side)}`;
const jobKeyOf = (lane: string, job: JobPlace): string =>
  `${keysOf(lane, job.side)}:${jobIdOf(job.requestId, job.dispatchNo)}`;

/** All keys of both sides of a lane share a hash tag: one slot of a Redis Cluster. */
export const lanePrefix = (lane: string): string => `millrace:{${lane}}`;

/** Kept for the board; removing many at once blocks Redis, so the numbers are small from the first day. */
export const keptJobs = { completed: { count: 200 }, failed: { count: 500 } } as const;

export function openLanes(redisUrl: string): Lanes {
  const redis = openRedis(redisUrl, {
    commandTimeout: 10_000, // whoever asks can do without, or asks again
    maxRetriesPerRequest: 2,
    connectionName: "millrace:lanes",
  });
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
      skipVersionCheck,
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
      for (const { name } of bySide.keys()) tellOfJobs(redis, name);
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
    workers: () => workersByLane(redis),
    async hasJobs(lane, side) {
      const keys = keysOf(lane, side);
      return (await redis.exists(`${keys}:wait`, `${keys}:prioritized`, `${keys}:active`, `${keys}:delayed`)) > 0;
    },
    async isFree(lane, side) {
      const keys = keysOf(lane, side);
      const asked = redis
        .pipeline()
        .llen(`${keys}:wait`)
        .zcard(`${keys}:prioritized`)
        .hexists(`${keys}:meta`, "paused");
      const answers = (await asked.exec()) ?? [];
      return answers.length === 3 && answers.every(([error, count]) => error === null && count === 0);
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
    async waiting(lane, side, from, limit) {
      const ids = await queue(lane, side).getRanges(["wait", "prioritized"], from, from + limit - 1, true);
      return ids.flatMap((id) => {
        const dispatch = dispatchOf(id);
        return dispatch === undefined ? [] : [{ ...dispatch, side }];
      });
    },
    async epoch() {
      // One pipeline goes to one server, so its id is that of the server that has the key.
      const asked = redis.pipeline().setnx(epochKey, randomUUID()).get(epochKey).info("server");
      const [, [error, memory] = [], [refusal, info] = []] = (await asked.exec()) ?? [];
      if (typeof memory !== "string") throw error ?? new Error("Redis gave no epoch");
      if (isInfoRefused(refusal)) return memory;
      if (typeof info !== "string") throw refusal ?? new Error("Redis gave no INFO");
      return `${memory}@${runIdOf(info)}`;
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
