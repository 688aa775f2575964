/** What the routes of message batches say of themselves. */
import { z } from "zod";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";

const group = "Anthropic's wire";
const count = z.int();
const time = z.iso.datetime().nullable();

const batch = z
  .strictObject({
    id: z.string(),
    type: z.literal("message_batch"),
    processing_status: z.enum(["in_progress", "canceling", "ended"]),
    request_counts: z.strictObject({
      processing: count,
      succeeded: count,
      errored: count,
      canceled: count,
      expired: count,
    }),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    ended_at: time,
    cancel_initiated_at: time,
    archived_at: time,
    results_url: z.string().nullable(),
  })
  .meta({ id: "MessageBatch" });

export const createMessageBatchDoc: RouteDoc = {
  group,
  summary: "A batch of messages",
  description: "Taken as it comes, up to 256 MB. See docs/batches.md.",
  headers: { "Idempotency-Key": "The same key brings the same batch" },
  body: jsonContent(
    "The requests, each as of POST /v1/messages",
    z.strictObject({ requests: z.array(z.strictObject({ custom_id: z.string(), params: z.looseObject({}) })).min(1) }),
  ),
  answers: { 200: jsonContent("It", batch) },
};
export const listMessageBatchesDoc = (query: z.ZodObject): RouteDoc => ({
  group,
  summary: "All message batches, newest first",
  query,
  answers: {
    200: jsonContent(
      "A page",
      z.strictObject({
        data: z.array(batch),
        has_more: z.boolean(),
        first_id: z.string().nullable(),
        last_id: z.string().nullable(),
      }),
    ),
  },
});
export const showMessageBatchDoc: RouteDoc = {
  group,
  summary: "A message batch",
  answers: { 200: jsonContent("It", batch) },
};
export const cancelMessageBatchDoc: RouteDoc = {
  group,
  summary: "Cancel a message batch",
  answers: { 200: jsonContent("It", batch) },
};
export const deleteMessageBatchDoc: RouteDoc = {
  group,
  summary: "Delete a message batch that has ended",
  answers: {
    200: jsonContent("It is gone", z.strictObject({ id: z.string(), type: z.literal("message_batch_deleted") })),
  },
};
export const messageResultsDoc: RouteDoc = {
  group,
  summary: "The results of a message batch that has ended",
  answers: { 200: { description: "One JSON text a line", types: { "application/x-jsonl": z.string() } } },
};
