/**
 * A process of the plain arm: the BullMQ worker that an experienced engineer writes. Payloads in jobs, BullMQ's retries
 * with backoff, one INSERT with the result. Its settings are given as JSON in PLAIN.
 */
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenerativeAI } from "@google/generative-ai";
import { type Job, Worker } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import postgres from "postgres";
import type { PlainJob, PlainOrder } from "./plain-arm.ts";

const order: PlainOrder = JSON.parse(process.env["PLAIN"] ?? "{}");
const redis = new Redis(order.redisUrl, { maxRetriesPerRequest: null });
const sql = postgres(order.databaseUrl, { max: 10, onnotice: () => {} });
const { apiKey, baseUrls } = order;
const anthropic = new Anthropic({ apiKey, baseURL: baseUrls.anthropic, maxRetries: 0, logLevel: "off" });
const openai = new OpenAI({ apiKey, baseURL: baseUrls.openai, maxRetries: 0, logLevel: "off" });
const google = new GoogleGenerativeAI(apiKey);

async function call({ id, model, prompt }: PlainJob): Promise<string> {
  const headers = { "x-millrace-request": id };
  const messages = [{ role: "user" as const, content: prompt }];
  if (model.startsWith("claude")) {
    const answer = await anthropic.messages.create({ model, max_tokens: 200, messages }, { headers });
    return JSON.stringify(answer.content);
  }
  if (model.startsWith("gpt")) {
    const answer = await openai.chat.completions.create({ model, max_completion_tokens: 200, messages }, { headers });
    return answer.choices[0]?.message.content ?? "";
  }
  const options = { baseUrl: baseUrls.gemini, customHeaders: headers };
  return (await google.getGenerativeModel({ model }, options).generateContent(prompt)).response.text();
}

const work = async ({ data }: Job<PlainJob>): Promise<void> => {
  const answer = await call(data);
  await sql`insert into plain_results (id, answer) values (${data.id}, ${answer}) on conflict (id) do nothing`;
};

for (const queue of order.queues) {
  const worker = new Worker<PlainJob>(queue, work, {
    connection: redis,
    concurrency: order.slots,
    lockDuration: order.lockMs,
    stalledInterval: order.lockMs,
    maxStalledCount: 10,
  });
  worker.on("error", () => {});
}
process.stdout.write("plain worker works\n");
