/**
 * The whole pipeline (claim, admit, call, settle, record) against a competent hand-written BullMQ worker that calls the
 * same provider and INSERTs one row per job, and against BullMQ doing nothing. Same concurrency, same services, same run,
 * arms taking turns. In every arm the jobs wait in the queue before the worker starts, and the clock runs from the first
 * finished job to the last.
 */
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { v7 as uuidv7 } from "uuid";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { costOf } from "../../src/pricing/price.ts";
import { bench, instantConnection, median } from "./bench.ts";
import { model, ours, prompt } from "./our-work.ts";

const concurrency = 800;

await bench("throughput", async ({ quick, fleet, say }) => {
  const jobs = quick ? 10_000 : 20_000;
  const rounds = quick ? 3 : 5;
  const rates = { ours: [] as number[], handWritten: [] as number[], bare: [] as number[] };
  await warmUp(fleet);
  for (let round = 0; round < rounds; round += 1) {
    rates.ours.push(await ours(fleet, jobs));
    rates.handWritten.push(await handWritten(fleet, jobs, round));
    rates.bare.push(await bare(fleet, jobs, round));
    const last = (arm: keyof typeof rates) => Math.round(rates[arm].at(-1) ?? 0);
    say(`  round ${round + 1}: ours ${last("ours")}/s, hand-written ${last("handWritten")}/s, bare ${last("bare")}/s`);
  }
  const [own, hand, none] = [median(rates.ours), median(rates.handWritten), median(rates.bare)];
  return {
    oursPerSecond: own,
    handWrittenPerSecond: hand,
    barePerSecond: none,
    ratioToHandWritten: own / hand,
    ratioToBareBullmq: own / none,
  };
});

async function warmUp(fleet: Fleet): Promise<void> {
  await ours(fleet, 2_000);
  await handWritten(fleet, 2_000, -1);
  await bare(fleet, 2_000, -1);
}

/**
 * What an experienced engineer writes: BullMQ's limiter, priorities and retries, the call, its price, one INSERT with what
 * operations needs to know.
 */
async function handWritten(fleet: Fleet, jobs: number, round: number): Promise<number> {
  const { sql } = fleet.ledger;
  await sql`
    create table if not exists hand_written (
      id uuid primary key, tenant text not null, provider text not null, model text not null, state text not null,
      answer text, finish_reason text, input_tokens int, output_tokens int, cost_nano_usd bigint, duration_ms int,
      attempt int, provider_request_id text, created_at timestamptz not null default now())`;
  await sql`create index if not exists hand_written_recent on hand_written (provider, created_at)`;
  return runPlain(fleet, jobs, `hand-${round}`, async (job) => {
    const startedAt = new Date();
    const answer = await instantConnection.chat();
    const { inputTokens = null, outputTokens = null } = answer.usage;
    const cost = costOf("anthropic", model, answer.usage, startedAt);
    await sql`
      insert into hand_written (id, tenant, provider, model, state, answer, finish_reason, input_tokens, output_tokens,
        cost_nano_usd, duration_ms, attempt, provider_request_id)
      values (${job.data.id}, ${job.data.tenant}, 'anthropic', ${model}, 'succeeded', ${answer.text}, ${answer.finish.raw},
        ${inputTokens}, ${outputTokens}, ${cost?.nanoUsd.toString() ?? null}, ${Date.now() - startedAt.getTime()},
        ${job.attemptsMade + 1}, ${answer.providerRequestId ?? null})`;
    return { tokens: (inputTokens ?? 0) + (outputTokens ?? 0) };
  });
}

function bare(fleet: Fleet, jobs: number, round: number): Promise<number> {
  return runPlain(fleet, jobs, `bare-${round}`, async () => ({}));
}

interface PlainJob {
  readonly id: string;
  readonly tenant: string;
  readonly prompt: string;
}

async function runPlain(
  fleet: Fleet,
  jobs: number,
  name: string,
  work: (job: Job<PlainJob>) => Promise<object>,
): Promise<number> {
  const connection = new Redis(fleet.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue<PlainJob>(name, { connection });
  for (let from = 0; from < jobs; from += 1_000) {
    await queue.addBulk(
      Array.from({ length: Math.min(1_000, jobs - from) }, () => ({
        name: model,
        data: { id: uuidv7(), tenant: "bench", prompt },
        opts: { priority: 3, attempts: 3, backoff: { type: "exponential", delay: 1_000 } },
      })),
    );
  }
  let started = 0;
  let done = 0;
  const worker = new Worker<PlainJob>(name, work, {
    connection,
    concurrency,
    limiter: { max: 1_000_000_000, duration: 60_000 },
    removeOnComplete: { count: 200 },
    removeOnFail: { count: 500 },
  });
  await new Promise<void>((resolve, reject) => {
    worker.on("completed", () => {
      done += 1;
      if (done === 1) started = performance.now();
      if (done === jobs) resolve();
    });
    worker.on("failed", (_job, error) => reject(error));
  });
  const seconds = (performance.now() - started) / 1000;
  await worker.close();
  await queue.close();
  connection.disconnect();
  return jobs / seconds;
}
