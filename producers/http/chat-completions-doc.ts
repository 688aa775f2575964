/** What the route of chat completions says of itself. OpenAI's own documentation has more of every field. */
import { z } from "zod";
import { jsonContent, type RouteDoc } from "./openapi/route-doc.ts";
import { termsHeaders } from "./terms-doc.ts";

const completion = z
  .looseObject({
    id: z.string(),
    object: z.literal("chat.completion"),
    created: z.int(),
    model: z.string(),
    choices: z.array(z.looseObject({ index: z.int(), message: z.looseObject({}), finish_reason: z.string() })),
    usage: z.looseObject({ total_tokens: z.int() }).nullable(),
  })
  .meta({ id: "ChatCompletion" });

export const chatCompletionsDoc: RouteDoc = {
  group: "OpenAI's wire",
  summary: "A chat completion, whole or streamed, from any model",
  headers: termsHeaders,
  body: jsonContent(
    "As OpenAI's clients send it",
    z.looseObject({
      model: z.string().nullish(),
      messages: z.array(z.looseObject({ role: z.string() })),
      stream: z.boolean().nullish(),
    }),
  ),
  answers: {
    200: {
      description: "The completion, or its chunks",
      types: { "application/json": completion, "text/event-stream": z.string() },
    },
  },
};
