/**
 * Accepting in bulk: rows, payloads and their place in the backlog, durable when the call returns, against
 * `queue.addBulk` alone. The feeder runs, so the lane's window is full while a million rows wait in Postgres.
 */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { promptBody } from "../../src/request/body.ts";
import { startFeeder } from "../../workers/feeder.ts";
import { bench } from "./bench.ts";

const chunk = 1_000;
const prompt = "A farmer has 17 sheep. All but 9 run away. How many sheep are left? Answer with the number alone.";

await bench("enqueue", async ({ quick, fleet, say }) => {
  const rows = quick ? 100_000 : 1_000_000;
  const redis = new Redis(fleet.redisUrl);
  const feeder = startFeeder(fleet, (error) => {
    throw error;
  });
  await accept(fleet, 5 * chunk);
  globalThis.gc?.();
  const rssBefore = process.memoryUsage().rss;
  const redisBefore = await usedMemory(redis);
  const perSecond = await accept(fleet, rows);
  const rssGrowthMb = (process.memoryUsage().rss - rssBefore) / 1024 / 1024;
  const redisMb = (await usedMemory(redis)) / 1024 / 1024;
  await feeder.stop();
  const [row] = await fleet.ledger.sql<{ n: number }[]>`select count(*)::int as n from requests`;
  if (row?.n !== rows + 5 * chunk) throw new Error(`accepted ${rows + 5 * chunk}, the ledger has ${row?.n}`);
  say(`  ${rows} requests accepted; Redis held ${(redisBefore / 1024 / 1024).toFixed(1)} MB before`);

  const addBulkRows = 100_000;
  const addBulkPerSecond = await addBulk(fleet, addBulkRows);
  const plainMb = (await usedMemory(redis)) / 1024 / 1024 - redisMb;
  redis.disconnect();
  return {
    acceptedPerSecond: perSecond,
    addBulkPerSecond,
    ratioToAddBulk: perSecond / addBulkPerSecond,
    rssGrowthMb,
    redisMb,
    addBulkRedisMbPerMillion: (plainMb / addBulkRows) * 1_000_000,
  };
});

async function accept(fleet: Fleet, rows: number): Promise<number> {
  const started = performance.now();
  for (let done = 0; done < rows; done += chunk) {
    const answers = await fleet.intake.accept(
      Array.from({ length: chunk }, (_, at) => ({
        body: promptBody("claude-haiku-4-5", `${prompt} (${done + at})`),
        tenant: `tenant-${at % 10}`,
        priority: "bulk" as const,
      })),
    );
    if (answers.some((answer) => !answer.ok)) throw new Error("an order was refused");
  }
  return rows / ((performance.now() - started) / 1000);
}

async function addBulk(fleet: Fleet, rows: number): Promise<number> {
  const connection = new Redis(fleet.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("plain", { connection });
  const started = performance.now();
  for (let done = 0; done < rows; done += chunk) {
    await queue.addBulk(
      Array.from({ length: chunk }, (_, at) => ({
        name: "claude-haiku-4-5",
        data: { tenant: `tenant-${at % 10}`, body: promptBody("claude-haiku-4-5", `${prompt} (${done + at})`) },
        opts: { priority: 3, attempts: 3, backoff: { type: "exponential", delay: 1_000 } },
      })),
    );
  }
  const perSecond = rows / ((performance.now() - started) / 1000);
  await queue.close();
  connection.disconnect();
  return perSecond;
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1] ?? Number.NaN);
}
