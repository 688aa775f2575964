/** What the routes of webhooks say of themselves. */
import { z } from "zod";
import { eventTypes } from "../../src/webhook/event.ts";
import { idSchema } from "../wire/fields.ts";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";

const group = "Webhooks";
const time = z.iso.datetime().nullable();
const webhookShape = {
  id: z.uuid(),
  object: z.literal("webhook"),
  tenant: z.string(),
  url: z.string(),
  events: z.array(z.enum(eventTypes)),
  batch_requests: z.boolean(),
  created_at: z.iso.datetime(),
  ended_at: time,
  end_reason: z.string().nullable(),
  last_success_at: time,
  failures: z.int(),
  failing_since: time,
  last_error: z.string().nullable(),
  pending: z.int(),
};
const webhook = z.strictObject(webhookShape).meta({ id: "Webhook" });

export const webhookWishSchema = z.strictObject({
  url: z.string(),
  events: z.array(z.enum(eventTypes)).min(1).nullish(),
  batch_requests: z.boolean().nullish(),
  tenant: idSchema.max(100).nullish(),
});

export const registerWebhookDoc: RouteDoc = {
  group,
  summary: "Register a receiver of webhooks",
  description: "See docs/webhooks.md.",
  headers: { "Idempotency-Key": "The same key and wish bring the same receiver, with its secret" },
  body: jsonContent("Where to, and of what", webhookWishSchema),
  answers: {
    201: jsonContent("It, with its secret, this once", z.strictObject({ ...webhookShape, secret: z.string() })),
  },
};
export const listWebhooksDoc: RouteDoc = {
  group,
  summary: "All receivers",
  answers: {
    200: jsonContent(
      "The list",
      z.strictObject({ object: z.literal("list"), data: z.array(webhook), has_more: z.boolean() }),
    ),
  },
};
export const showWebhookDoc: RouteDoc = {
  group,
  summary: "A receiver, and how it does",
  answers: { 200: jsonContent("It", webhook) },
};
export const revokeWebhookDoc: RouteDoc = {
  group,
  summary: "Revoke a receiver",
  answers: {
    200: jsonContent(
      "It is revoked",
      z.strictObject({ id: z.string(), object: z.literal("webhook"), deleted: z.literal(true) }),
    ),
  },
};
