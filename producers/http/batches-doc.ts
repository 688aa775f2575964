/** What the routes of batches say of themselves. */
import { z } from "zod";
import { createSchema } from "../batches/openai-create.ts";
import { listOf } from "./files-doc.ts";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";

const group = "Batches";
const at = z.int().nullable().meta({ description: "Seconds since 1970" });
const text = z.string().nullable();
const count = z.int();

const batch = z
  .strictObject({
    id: z.string(),
    object: z.literal("batch"),
    endpoint: z.string(),
    model: text,
    errors: z
      .strictObject({
        object: z.literal("list"),
        data: z.array(z.strictObject({ code: z.string(), message: z.string(), param: text, line: z.int().nullable() })),
      })
      .nullable(),
    input_file_id: z.string(),
    completion_window: z.string(),
    status: z.enum([
      "validating",
      "failed",
      "in_progress",
      "finalizing",
      "completed",
      "expired",
      "cancelling",
      "cancelled",
    ]),
    output_file_id: text,
    error_file_id: text,
    created_at: z.int(),
    in_progress_at: at,
    expires_at: at,
    finalizing_at: at,
    completed_at: at,
    failed_at: at,
    expired_at: at,
    cancelling_at: at,
    cancelled_at: at,
    request_counts: z.strictObject({ total: count, completed: count, failed: count }),
    usage: z
      .strictObject({
        input_tokens: count,
        input_tokens_details: z.strictObject({ cached_tokens: count }),
        output_tokens: count,
        output_tokens_details: z.strictObject({ reasoning_tokens: count }),
        total_tokens: count,
      })
      .nullable(),
    metadata: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: "Batch" });

export const createBatchDoc: RouteDoc = {
  group,
  summary: "A batch of a file that was uploaded",
  description: "Its lines are judged afterwards. See docs/batches.md.",
  headers: { "Idempotency-Key": "The same key brings the same batch" },
  body: jsonContent("Which file, and by when", createSchema),
  answers: { 200: jsonContent("It", batch) },
};
export const listBatchesDoc = (query: z.ZodObject): RouteDoc => ({
  group,
  summary: "All batches, newest first",
  query,
  answers: { 200: jsonContent("A page", listOf(batch)) },
});
export const showBatchDoc: RouteDoc = { group, summary: "A batch", answers: { 200: jsonContent("It", batch) } };
export const cancelBatchDoc: RouteDoc = {
  group,
  summary: "Cancel a batch",
  description: "Finished lines keep their answers, calls under way may finish.",
  answers: { 200: jsonContent("It", batch) },
};
