/** What further routes of OpenAI's wire say of themselves. OpenAI's own documentation has more of every field. */
import { z } from "zod";
import { type Content, jsonContent, type RouteDoc } from "./openapi/route-doc.ts";
import { termsHeaders } from "./terms-doc.ts";

const group = "OpenAI's wire";
const sent = "As OpenAI's clients send it";
const model = z.string().nullish();

const response = z.looseObject({ id: z.string(), object: z.literal("response") }).meta({ id: "Response" });
const responseContent = jsonContent("The response", response);
const events = { "text/event-stream": z.string() };

export const responsesDoc: RouteDoc = {
  group,
  summary: "A response, whole or streamed, from any model",
  headers: termsHeaders,
  body: jsonContent(sent, z.looseObject({ model, input: z.unknown(), stream: z.boolean().nullish() })),
  answers: { 200: { description: "The response, or its events", types: { "application/json": response, ...events } } },
};
export const showResponseDoc: RouteDoc = {
  group,
  summary: "How a response stands",
  answers: { 200: responseContent },
};
export const cancelResponseDoc: RouteDoc = {
  group,
  summary: "Cancel a response",
  answers: { 200: responseContent },
};

export const embeddingsDoc: RouteDoc = {
  group,
  summary: "Texts as vectors",
  headers: termsHeaders,
  body: jsonContent(sent, z.looseObject({ model, input: z.unknown() })),
  answers: {
    200: jsonContent(
      "Vectors, in the order of the texts",
      z.looseObject({ object: z.literal("list"), data: z.array(z.looseObject({})) }),
    ),
  },
};

const listed = z
  .strictObject({ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.string() })
  .meta({ id: "Model" });
const listedForAnthropic = z
  .looseObject({
    type: z.literal("model"),
    id: z.string(),
    display_name: z.string(),
    created_at: z.iso.datetime(),
    max_input_tokens: z.int().nullable(),
    max_tokens: z.int().nullable(),
  })
  .meta({ id: "AnthropicModel" });
const models = z.strictObject({ object: z.literal("list"), data: z.array(listed) });
const modelsForAnthropic = z.strictObject({
  data: z.array(listedForAnthropic),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
});
const headers = {
  "anthropic-version":
    "With it, or with x-api-key alone, Anthropic's form is answered, and limit, after_id and before_id hold",
};
export const modelsDoc = (query: z.ZodObject): RouteDoc => ({
  group,
  summary: "All models that somebody here can be asked for",
  headers,
  query,
  answers: { 200: jsonContent("The list", z.union([models, modelsForAnthropic])) },
});
export const modelDoc: RouteDoc = {
  group,
  summary: "One model, by its name",
  headers,
  answers: { 200: jsonContent("It", z.union([listed, listedForAnthropic])) },
};

const sound: Content = { description: "The sound, or events with it", types: { "audio/*": undefined, ...events } };
export const speechDoc: RouteDoc = {
  group,
  summary: "Text as speech",
  headers: termsHeaders,
  body: jsonContent(sent, z.looseObject({ model, input: z.string() })),
  answers: { 200: sound },
};

export const transcriptionsDoc: RouteDoc = {
  group,
  summary: "Speech as text",
  headers: termsHeaders,
  body: {
    description: sent,
    types: { "multipart/form-data": z.looseObject({ model, file: z.string().meta({ description: "The sound" }) }) },
  },
  answers: {
    200: {
      description: "The text, in the form that was asked for",
      types: { "application/json": z.looseObject({}), "text/plain": z.string(), ...events },
    },
  },
};
