/**
 * A worker on one side of a lane. BullMQ delivers; whether a job still means anything is decided by the claim. The job completes
 * after `handle` returned, which is after the ledger's commit. BullMQ's retries and limits are not used: `limiter` is set
 * so high only because `queue.rateLimit` is ignored by workers without one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, Queue, RateLimitError, UnrecoverableError, Worker } from "bullmq";
import { priorities } from "../request/priority.ts";
import { openRedis } from "../runtime/redis-client.ts";
import { isConnectionError, redisSilence, redisTrouble } from "../runtime/redis-patience.ts";
import { openGate, type Pass } from "./gate.ts";
import { type JobSummary, type LaneJob, laneJobSchema, queueNameOf, type Side } from "./lane-job.ts";
import { keptJobs, lanePrefix, skipVersionCheck } from "./lanes.ts";

/** Pause after Redis refused to give out a job. */
const restMs = 500;
/** For the gate: how long until one slot tries again. */
const redisAway = { isGranted: false, waitMs: 1_000, eachMs: 0, more: 0 };
/** Jobs that Redis forgot or gave to another while they were in hand. What they meant is in the ledger; it is no news. */
const isJobGone = (error: Error): boolean =>
  /^((Missing (key|lock)|Lock mismatch) for job|could not renew lock)|is not in the active state/.test(error.message);

/**
 * How long BullMQ counts the jobs that it gave out. Who hands one back gives out none until the count ends (for 30 s at
 * most), and keeps its process alive meanwhile, whether a limit was reached or not.
 */
const countMs = 100;

/** After this long without a job in hand a worker that does not close is left behind. */
const closePatienceMs = 2_000;

export interface Handled {
  readonly summary: JobSummary;
  /** Shown as the job's log: the story of this dispatch where it is more than one success. */
  readonly log?: string;
  /** The request ended in failure: the job shows as failed on the board. */
  readonly failed?: boolean;
}

/** Nothing was done about the job: it goes back into the lane. */
export type Unclaimed = "unclaimed";

export interface ConsumeOptions {
  readonly lane: string;
  readonly side: Side;
  readonly redisUrl: string;
  readonly concurrency: number;
  /** How long a job that its worker fetched but never claimed stays with a dead worker. */
  readonly leaseMs: number;
  /** Does everything about one job; throws only for bugs and for services that are away. */
  readonly handle: (job: LaneJob, pass: Pass, goesFirst: boolean) => Promise<Handled | Unclaimed>;
  readonly onError: (error: Error) => void;
  /** Jobs in hand whose lock could not be renewed: others may take them, and find the fence shut. */
  readonly onLocksLost: (jobIds: readonly string[]) => void;
}

export interface LaneConsumer {
  readonly lane: string;
  /** Stops fetching and waits until nothing is in flight. */
  close(): Promise<void>;
}

export function consumeLane(options: ConsumeOptions): LaneConsumer {
  const { lane } = options;
  const complain = (error: Error): void => {
    if (!isJobGone(error)) options.onError(isConnectionError(error) ? redisSilence(error) : error);
  };
  const name = queueNameOf(lane, options.side);
  const redis = openRedis(options.redisUrl, {
    maxRetriesPerRequest: null,
    enableAutoPipelining: true,
    connectionName: `millrace:worker:${name}`,
  });
  redis.on("error", complain);
  const queue = new Queue(name, { connection: redis, prefix: lanePrefix(lane), skipVersionCheck });
  queue.on("error", complain);
  const gate = openGate(Date.now);

  let inHand = 0;
  let isResting = false;
  let isClosing = false;
  const process = async (job: Job): Promise<JobSummary> => {
    inHand += 1;
    try {
      return await work(job);
    } finally {
      inHand -= 1;
    }
  };

  const work = async (job: Job): Promise<JobSummary> => {
    const entry = await gate.enter();
    if (!entry.admitted) {
      // Back to the front of its class, for the whole fleet, without touching the row.
      if (entry.waitMs > 0) await queue.rateLimit(Math.ceil(entry.waitMs)).catch(complain);
      throw new RateLimitError();
    }
    try {
      // Interactive requests and aged ones travel with the highest priority.
      const goesFirst = job.opts.priority === priorities.interactive;
      const handled = await options.handle(laneJobSchema.parse(job.data), entry.pass, goesFirst);
      if (handled === "unclaimed") throw new RateLimitError();
      if (handled.log !== undefined) await job.log(handled.log).catch(complain);
      if (handled.failed === true) throw new UnrecoverableError(handled.summary.reason ?? handled.summary.outcome);
      return handled.summary;
    } catch (error) {
      // One job after the other would find out the same.
      if (redisTrouble(error) !== undefined) entry.pass.learned(redisAway);
      throw error;
    } finally {
      entry.pass.left();
    }
  };

  const worker = new Worker(name, process, {
    connection: redis,
    prefix: lanePrefix(lane),
    concurrency: options.concurrency,
    lockDuration: options.leaseMs,
    stalledInterval: Math.ceil(options.leaseMs / 4),
    maxStalledCount: 100, // the ledger counts lost attempts, not BullMQ
    limiter: { max: 1_000_000_000, duration: countMs },
    removeOnComplete: keptJobs.completed,
    removeOnFail: keptJobs.failed,
    drainDelay: 5,
    skipVersionCheck,
    runRetryDelay: restMs,
  });
  worker.on("error", (error) => {
    complain(error);
    if (redisTrouble(error) !== undefined) void rest();
  });
  worker.on("lockRenewalFailed", options.onLocksLost);

  /** A Redis that refuses would be asked for the next job again at once. */
  async function rest(): Promise<void> {
    if (isResting || isClosing) return;
    isResting = true;
    await worker.pause(true);
    await sleep(restMs, undefined, { ref: false });
    isResting = false;
    if (!isClosing) await worker.resume();
  }

  return {
    lane,
    async close() {
      isClosing = true;
      gate.shut();
      // BullMQ waits for its blocking connection to end: for ever, when that one is just waiting to connect again.
      const closed = worker.close().then(() => true);
      while (!(await Promise.race([closed, sleep(closePatienceMs, false, { ref: false })])) && inHand > 0);
      await queue.close();
      redis.disconnect();
    },
  };
}
