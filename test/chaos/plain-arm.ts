/** The baseline: the same work through BullMQ alone, two workers, the same slots, locks, servers and provider. */
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import postgres from "postgres";
import { v7 as uuidv7 } from "uuid";
import { type Arm, leaseMs, slots, type Work } from "./arm.ts";
import { byRequest, duplicatesIn } from "./calls.ts";
import { built, supervise } from "./processes.ts";
import type { Stage } from "./stage.ts";

export interface PlainJob {
  readonly id: string;
  readonly model: string;
  readonly prompt: string;
}

export interface PlainOrder {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly apiKey: string;
  readonly baseUrls: Stage["simulator"]["baseUrls"];
  readonly queues: readonly string[];
  readonly slots: number;
  readonly lockMs: number;
}

const queueOf = (model: string): string => `plain-${model.split("-")[0]}`;

export async function openPlainArm(stage: Stage): Promise<Arm> {
  const sql = postgres(stage.postgres.url, { max: 2, onnotice: () => {}, backoff: () => 0.2 });
  await sql`create table if not exists plain_results (id uuid primary key, answer text not null)`;
  const names = ["claude", "gpt", "gemini"].map(queueOf);
  const { REDIS_URL: redisUrl = "", DATABASE_URL: databaseUrl = "" } = stage.environment;
  const order: PlainOrder = {
    redisUrl,
    databaseUrl,
    apiKey: "sim-plain",
    baseUrls: stage.simulator.baseUrls,
    queues: names,
    slots,
    lockMs: leaseMs,
  };
  const environment = { PLAIN: JSON.stringify(order) };
  const workers = await Promise.all(
    [1, 2].map((no) =>
      supervise(
        { name: `plain ${no}`, args: [built("test/chaos/plain-worker.js")], ready: /plain worker works/ },
        { cwd: stage.directory, environment },
      ),
    ),
  );
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  connection.on("error", () => {});
  const queues = new Map(names.map((name) => [name, new Queue<PlainJob>(name, { connection })]));
  for (const queue of queues.values()) queue.on("error", () => {});
  const failed = async () => {
    const counts = await Promise.all([...queues.values()].map((queue) => queue.getFailedCount()));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const done = async (ids: readonly string[]) => {
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n from plain_results where id = any(${ids}::uuid[])`;
    return row?.n ?? 0;
  };
  return {
    name: "plain",
    workers,
    keepers: [],
    api: undefined,
    accept: (works) => add(queues, works),
    open: async (ids) => ids.length - (await done(ids)) - (await failed()),
    async judge(ids, since) {
      const known = new Set(ids);
      const calls = stage.simulator
        .ledger()
        .filter(({ seq, correlation = "" }) => seq >= since && known.has(correlation));
      const failures = await failed();
      for (const queue of queues.values()) await queue.obliterate({ force: true });
      return {
        accepted: ids.length,
        terminal: (await done(ids)) + failures,
        failed: failures,
        duplicates: duplicatesIn(byRequest(calls)),
        unadmittedDuplicates: 0,
        ledgerDifferenceNanoUsd: 0,
        left: 0,
      };
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.end()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
      await sql.end({ timeout: 1 });
    },
  };
}

/** Ids are chosen here and each is one job, so that saying it again adds nothing. */
async function add(queues: ReadonlyMap<string, Queue<PlainJob>>, works: readonly Work[]): Promise<readonly string[]> {
  const jobs = works.map(({ model, prompt }) => ({ id: uuidv7(), model, prompt }));
  const opts = { attempts: 10, backoff: { type: "exponential", delay: 100 }, removeOnComplete: true };
  for (const job of jobs) {
    const queue = queues.get(queueOf(job.model));
    for (;;) {
      const isAdded = await queue?.add(job.model, job, { ...opts, jobId: job.id }).then(
        () => true,
        () => false,
      );
      if (isAdded === true) break;
      await sleep(200);
    }
  }
  return jobs.map(({ id }) => id);
}
