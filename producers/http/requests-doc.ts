/** What the routes of the native API say of themselves. */
import { z } from "zod";
import { requestStates } from "../../src/request/lifecycle.ts";
import { assistantParts } from "../../src/request/parts.ts";
import { priorityNames } from "../../src/request/priority.ts";
import { finishReason } from "../../src/request/result.ts";
import { nativeChatShape } from "../wire/native-chat.ts";
import { nativeEmbeddingShape, nativeSpeechShape, nativeTranscriptionShape } from "../wire/native-other.ts";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";
import { orderSchema, waitSchema } from "./orders.ts";
import { listQuerySchema } from "./request-query.ts";

const group = "Requests";
const time = z.iso.datetime();
const failure = z.strictObject({ kind: z.string(), message: z.string().nullable() });
const kept = z.enum(["whole", "masked", "removed"]);

const lineShape = {
  id: z.uuid(),
  object: z.literal("request"),
  state: z.enum(requestStates),
  model: z.string(),
  deployment: z.string(),
  lane: z.string(),
  priority: z.enum(priorityNames),
  tenant: z.string(),
  batch_id: z.uuid().nullable(),
  created_at: time,
  finished_at: time.nullable(),
  not_before: time.nullable(),
  hold_reason: z.string().nullable(),
  failure: failure.nullable(),
  passed_over: z.array(z.strictObject({ deployment: z.string(), kind: z.string(), message: z.string() })),
};
const count = z.number().nullable();
const attempt = z
  .strictObject({
    attempt: z.int(),
    provider: z.string(),
    model: z.string(),
    outcome: z.enum(["succeeded", "failed", "cancelled", "superseded", "lost"]),
    failure: failure.nullable(),
    started_at: time,
    duration_ms: z.number(),
    first_token_ms: count,
    input_tokens: count,
    output_tokens: count,
    usage: z.record(z.string(), count).nullable(),
    cost_nano_usd: z.string().nullable().meta({ description: "A string: JSON numbers are not exact" }),
  })
  .meta({ id: "Attempt" });
const result = z
  .looseObject({
    text: z.string(),
    parts: z.array(assistantParts).optional(),
    embeddings: z.array(z.array(z.number())).optional(),
    finish: finishReason,
    provider: z.string(),
    model: z.string(),
    deployment: z.string(),
  })
  .meta({ id: "Result" });
const request = z
  .strictObject({
    ...lineShape,
    result: result.nullable(),
    rejected: z.string().optional(),
    kept: z.strictObject({ prompt: kept, answer: kept.nullable() }),
    attempts: z.array(attempt).optional(),
    warnings: z.array(z.string()).optional(),
  })
  .meta({ id: "Request" });
const line = z.strictObject(lineShape).meta({ id: "RequestLine" });
const listOf = (item: z.ZodType) => z.strictObject({ object: z.literal("list"), data: z.array(item) });

const messages = z.array(z.looseObject({ role: z.string() })).optional();
const order = z.union([
  z.strictObject({ ...nativeChatShape, messages, ...orderSchema.shape }),
  z.strictObject({ ...nativeEmbeddingShape, ...orderSchema.shape }),
  z.strictObject({ ...nativeTranscriptionShape, ...orderSchema.shape }),
  z.strictObject({ ...nativeSpeechShape, ...orderSchema.shape }),
]);
const placed = z.strictObject({ id: z.uuid(), object: z.literal("request"), warnings: z.array(z.string()) });
const answer = z.union([request, listOf(z.union([request, placed]))]);

export const placeDoc: RouteDoc = {
  group,
  summary: "Place one request, or up to a thousand in a list",
  description: "A list is taken whole or not at all. Fields are explained in docs/requests.md.",
  query: z.object({ wait_ms: waitSchema.optional() }),
  headers: { "Idempotency-Key": "The same key brings the same requests", traceparent: "The trace it belongs to" },
  body: jsonContent("What is asked, and on what terms", z.union([order, z.array(order)])),
  answers: {
    200: jsonContent("They have ended, or this key had brought them before", answer),
    202: jsonContent("They are stored", answer),
  },
};

export const listDoc: RouteDoc = {
  group,
  summary: "Requests by page, newest first",
  description:
    "Without prompts and answers. A page looks at 10,000 requests; `next_id` is where to go on, also behind an empty one.",
  query: listQuerySchema,
  answers: {
    200: jsonContent(
      "A page",
      listOf(line).extend({
        first_id: z.uuid().nullable(),
        last_id: z.uuid().nullable(),
        has_more: z.boolean(),
        next_id: z.uuid().nullable(),
      }),
    ),
  },
};

export const showDoc: RouteDoc = {
  group,
  summary: "How a request stands, with its answer and its calls",
  answers: { 200: jsonContent("The request", request) },
};

export const audioDoc: RouteDoc = {
  group,
  summary: "The sound of an answer",
  answers: { 200: { description: "Its bytes", types: { "audio/*": undefined } } },
};

export const cancelDoc: RouteDoc = {
  group,
  summary: "Cancel a request that has not ended",
  answers: { 200: jsonContent("It is cancelled", request) },
};

export const streamDoc: RouteDoc = {
  group,
  summary: "An answer as it comes",
  description:
    "Server-sent events: begin, text, reasoning, tool-call, audio, usage, done. `begin` starts the answer over.",
  headers: { "Last-Event-ID": "Go on behind this event" },
  answers: { 200: { description: "Events", types: { "text/event-stream": z.string() } } },
};

export const eventsDoc: RouteDoc = {
  group,
  summary: "A request's way through the fleet",
  answers: {
    200: jsonContent(
      "Events in order: accepted, dispatched, call_started, call_ended, passed_over, waiting, held, and how it ended",
      listOf(z.looseObject({ type: z.string(), at: time.nullable() }).meta({ id: "RequestEvent" })),
    ),
  },
};
