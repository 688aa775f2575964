/** What the routes of Anthropic's wire say of themselves. Its own documentation has more of every field. */
import { z } from "zod";
import { anthropicBodySchema } from "../wire/anthropic-messages.ts";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";
import { termsHeaders } from "./terms-doc.ts";

const group = "Anthropic's wire";
const turns = z.array(z.looseObject({ role: z.enum(["user", "assistant", "system"]) }));
const tools = z.array(z.looseObject({ name: z.string(), input_schema: z.looseObject({}) })).nullish();
const body = anthropicBodySchema.extend({ messages: turns, tools });

const count = z.int().nullable();
const message = z
  .looseObject({
    id: z.string(),
    type: z.literal("message"),
    role: z.literal("assistant"),
    model: z.string(),
    content: z.array(z.looseObject({ type: z.enum(["text", "thinking", "redacted_thinking", "tool_use"]) })),
    stop_reason: z.string(),
    stop_sequence: z.string().nullable(),
    usage: z.looseObject({ input_tokens: count, output_tokens: count }),
  })
  .meta({ id: "Message" });

export const messagesDoc: RouteDoc = {
  group,
  summary: "A message, whole or streamed, from any model",
  description: "See docs/anthropic.md for what is taken and what is refused.",
  headers: termsHeaders,
  body: jsonContent("As Anthropic's clients send it", body.extend({ stream: z.boolean().nullish() })),
  answers: {
    200: {
      description: "The message, or its events",
      types: { "application/json": message, "text/event-stream": z.string() },
    },
  },
};

export const countTokensDoc: RouteDoc = {
  group,
  summary: "How many tokens a message would take, estimated",
  body: jsonContent("A message's body", body),
  answers: { 200: jsonContent("The estimate", z.strictObject({ input_tokens: z.int() })) },
};
