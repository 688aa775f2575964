/**
 * A process of a peer: a competent hand-written BullMQ worker with one of the usual ways to keep to a limit. Given as JSON
 * in PEER. Jobs wait in a BullMQ queue per shape; a refused one is made again after Retry-After.
 */
import Anthropic from "@anthropic-ai/sdk";
import { DelayedError, type Job, Queue, RateLimitError, Worker } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import type { PeerOrder, PeerShape } from "./peers.ts";
import { type Length, maxOutputTokens, promptOf } from "./trace.ts";

const order: PeerOrder = JSON.parse(process.env["PEER"] ?? "{}");
const redis = new Redis(order.redisUrl, { maxRetriesPerRequest: null });
const maxRetries = order.arm === "sdkRetries" ? 1_000 : 0;
const anthropic = new Anthropic({
  apiKey: order.apiKey,
  baseURL: order.baseUrls.anthropic,
  maxRetries,
  logLevel: "off",
});
const openai = new OpenAI({ apiKey: order.apiKey, baseURL: order.baseUrls.openai, maxRetries, logLevel: "off" });

async function call(shape: PeerShape, length: Length): Promise<void> {
  const messages = [{ role: "user" as const, content: promptOf(length) }];
  if (shape.vendor === "anthropic")
    await anthropic.messages.create({ model: shape.model, max_tokens: maxOutputTokens, messages });
  else await openai.chat.completions.create({ model: shape.model, max_completion_tokens: maxOutputTokens, messages });
}

/** Milliseconds until the call may be tried again; undefined for any other error. */
function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof Anthropic.APIError || error instanceof OpenAI.APIError) || error.status !== 429)
    return undefined;
  const headers: unknown = error.headers;
  const value = headers instanceof Headers ? headers.get("retry-after") : null;
  return Math.max(50, Number(value ?? 1) * 1_000);
}

const spread = () => 0.5 + Math.random();

/** A calendar-minute counter of requests and of estimated tokens, shared in Redis, as gateways keep it. */
async function takeFromMinute(shape: PeerShape, length: Length): Promise<number> {
  const minute = Math.floor(Date.now() / 60_000);
  const key = `fixed:${order.apiKey}:${shape.model}:${minute}`;
  const tokens = length.inputTokens + (shape.reservesMaximum ? maxOutputTokens : length.outputTokens);
  const [[, requests], [, used]] = (await redis
    .multi()
    .hincrby(key, "requests", 1)
    .hincrby(key, "tokens", tokens)
    .expire(key, 120)
    .exec()) as [[null, number], [null, number], [null, number]];
  if (requests <= shape.requestsPerMinute && used <= shape.tokensPerMinute) return 0;
  await redis.multi().hincrby(key, "requests", -1).hincrby(key, "tokens", -tokens).exec();
  return 1_000 * spread();
}

/** This process' part of the limits: a token bucket in memory. */
const levels = new Map<string, { requests: number; tokens: number; atMs: number }>();
function takeFromSplit(shape: PeerShape, length: Length): number {
  const part = 1 / order.processes;
  const rate = { requests: (shape.requestsPerMinute / 60_000) * part, tokens: (shape.tokensPerMinute / 60_000) * part };
  const most = { requests: Math.max(1, rate.requests * 1_000), tokens: rate.tokens * 1_000 * order.burstSeconds };
  const level = levels.get(shape.model) ?? { ...most, atMs: Date.now() };
  levels.set(shape.model, level);
  const passed = Date.now() - level.atMs;
  level.atMs += passed;
  level.requests = Math.min(most.requests, level.requests + passed * rate.requests);
  level.tokens = Math.min(most.tokens, level.tokens + passed * rate.tokens);
  const tokens = length.inputTokens + (shape.reservesMaximum ? maxOutputTokens : length.outputTokens);
  const isEnough = level.requests >= 1 && (level.tokens >= tokens || level.tokens >= most.tokens * 0.99);
  if (!isEnough) return Math.max((1 - level.requests) / rate.requests, (tokens - level.tokens) / rate.tokens, 5);
  level.requests -= 1;
  level.tokens -= tokens;
  return 0;
}

async function work(shape: PeerShape, queue: Queue, job: Job<Length>, token: string | undefined): Promise<void> {
  const waitMs =
    order.arm === "fixedWindow"
      ? await takeFromMinute(shape, job.data)
      : order.arm === "staticSplit"
        ? takeFromSplit(shape, job.data)
        : 0;
  if (waitMs > 0) return putBack(job, token, waitMs);
  try {
    await call(shape, job.data);
  } catch (error) {
    const again = retryAfterMs(error);
    if (again === undefined) throw error;
    if (order.arm !== "bullmqLimiter") return putBack(job, token, again * spread());
    await queue.rateLimit(again);
    throw new RateLimitError();
  }
}

async function putBack(job: Job, token: string | undefined, waitMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + waitMs, token);
  throw new DelayedError();
}

for (const shape of order.shapes) {
  const queue = new Queue<Length>(shape.queue, { connection: redis });
  const limit = Math.max(1, Math.round(shape.meanPerSecond * order.setting));
  const worker = new Worker<Length>(shape.queue, (job, token) => work(shape, queue, job, token), {
    connection: redis,
    concurrency: order.slots,
    ...(order.arm === "bullmqLimiter" ? { limiter: { max: limit, duration: 1_000 } } : {}),
  });
  worker.on("error", () => {});
}
process.stdout.write("peer works\n");
