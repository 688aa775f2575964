/** What the routes of batches that only Millrace has say of themselves. */
import { z } from "zod";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";

const group = "Batches";
const count = z.int();
const nano = z
  .string()
  .regex(/^\d+$/)
  .meta({ description: "Billionths of a dollar; a text, for JSON numbers are not exact" });

const progress = z
  .strictObject({
    id: z.string(),
    object: z.literal("batch.progress"),
    status: z.string(),
    paused: z.boolean(),
    total: count,
    accepted: count,
    succeeded: count,
    failed: count,
    cancelled: count,
    queued: count,
    dispatched: count,
    running: count,
    waiting: count,
    held: count,
    calls_per_minute: count,
    tokens_per_minute: count,
    cost_nano_usd: nano,
    unpriced_calls: count,
    eta_ms: z.int().nullable(),
    limited_by: z.array(z.string()),
  })
  .meta({ id: "BatchProgress" });

export const batchProgressDoc: RouteDoc = {
  group,
  summary: "How far a batch is, at what pace and cost, and what limits it",
  answers: {
    200: {
      description: "Once, or as events until it has ended",
      types: { "application/json": progress, "text/event-stream": z.string() },
    },
  },
};
export const batchResultsDoc = (query: z.ZodObject): RouteDoc => ({
  group,
  summary: "Answers of a batch, also while it runs",
  query,
  answers: {
    200: { description: "One JSON text a line, in input order", types: { "application/x-ndjson": z.string() } },
  },
});
export const retryBatchDoc: RouteDoc = {
  group,
  summary: "Run the failed lines of a batch again",
  answers: {
    200: jsonContent(
      "How many run again, and how many stay as they are",
      z.strictObject({ id: z.string(), object: z.literal("batch.retry"), retried: count, failed: count }),
    ),
  },
};
const pause = z.strictObject({
  id: z.string(),
  object: z.literal("batch.pause"),
  paused: z.boolean(),
  resumed: count.optional(),
});
export const pauseBatchDoc: RouteDoc = {
  group,
  summary: "Hold what of a batch has not been sent",
  answers: { 200: jsonContent("It is paused", pause) },
};
export const resumeBatchDoc: RouteDoc = {
  group,
  summary: "Let a paused batch go on",
  answers: { 200: jsonContent("It goes on", pause) },
};
export const estimateBatchDoc = (body: z.ZodObject): RouteDoc => ({
  group,
  summary: "What a file would take as a batch",
  body: jsonContent("Which file", body),
  answers: {
    200: jsonContent(
      "Lines, tokens, money and time by model",
      z.strictObject({
        object: z.literal("batch.estimate"),
        input_file_id: z.string(),
        endpoint: z.string(),
        good: count,
        bad: count,
        models: z.array(
          z.strictObject({
            model: z.string(),
            deployment: z.string(),
            lines: count,
            input_tokens: count,
            most_output_tokens: count,
            least_cost_nano_usd: nano.nullable(),
            most_cost_nano_usd: nano.nullable(),
            least_ms: z.int().nullable(),
          }),
        ),
      }),
    ),
  },
});
