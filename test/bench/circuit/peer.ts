/**
 * A process of a peer: a hand-written BullMQ worker that makes a failed call again after a backoff with jitter, without a
 * breaker or with one of its own. Given as JSON in PEER.
 */
import Anthropic from "@anthropic-ai/sdk";
import { DelayedError, type Job, Worker } from "bullmq";
import { Redis } from "ioredis";

export interface CircuitPeerOrder {
  readonly breaker: "none" | "perProcess";
  readonly redisUrl: string;
  readonly queue: string;
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly slots: number;
  readonly coolDownMs: number;
}

const order: CircuitPeerOrder = JSON.parse(process.env["PEER"] ?? "{}");
const redis = new Redis(order.redisUrl, { maxRetriesPerRequest: null });
const anthropic = new Anthropic({ apiKey: order.apiKey, baseURL: order.baseUrl, maxRetries: 0, logLevel: "off" });
const backoff = { baseMs: 500, capMs: 8_000 };
const threshold = 5;

/** Five failures in a row open it; then one call goes ahead when its time is up. */
let failures = 0;
let openUntil = 0;
let isProbing = false;

async function work(job: Job<{ prompt: string; tries?: number }>, token: string | undefined): Promise<void> {
  const isOpen = order.breaker === "perProcess" && failures >= threshold;
  if (isOpen && (Date.now() < openUntil || isProbing))
    return putBack(job, token, Math.max(200, openUntil - Date.now()));
  if (isOpen) isProbing = true;
  const { prompt, tries = 0 } = job.data;
  try {
    await anthropic.messages.create({
      model: order.model,
      max_tokens: 32,
      messages: [{ role: "user", content: prompt }],
    });
    failures = 0;
  } catch {
    failures += 1;
    openUntil = Date.now() + order.coolDownMs;
    await job.updateData({ prompt, tries: tries + 1 });
    return await putBack(job, token, Math.random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** tries));
  } finally {
    if (isOpen) isProbing = false;
  }
}

async function putBack(job: Job, token: string | undefined, waitMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + waitMs, token);
  throw new DelayedError();
}

new Worker(order.queue, work, { connection: redis, concurrency: order.slots }).on("error", () => {});
process.stdout.write("peer works\n");
