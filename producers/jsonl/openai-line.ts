/** `{custom_id, method, url, body}`: a line of OpenAI's batch files with a chat completion, a response or texts to embed in it. */
import { z } from "zod";
import type { Body } from "../../src/request/body.ts";
import { type Read, read } from "../wire/complaint.ts";
import { idSchema } from "../wire/fields.ts";
import { readOpenaiChat } from "../wire/openai-chat.ts";
import { readOpenaiEmbeddings } from "../wire/openai-embeddings.ts";
import { readOpenaiResponses } from "../wire/openai-responses.ts";
import type { LineDefaults, ParsedLine } from "./parsed-line.ts";

/** What a line may ask for: a row here, and a reader below. */
export const urls = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] as const;
export type LineUrl = (typeof urls)[number];

const frameSchema = z.strictObject({
  custom_id: idSchema,
  method: z.literal("POST", { error: 'must be "POST"' }),
  url: z.enum(urls, { error: `must be one of ${urls.map((url) => `"${url}"`).join(", ")}` }),
  body: z.record(z.string(), z.unknown()),
});

const readers: Readonly<
  Record<LineUrl, (body: Readonly<Record<string, unknown>>, at: string, model?: string) => Read<Body>>
> = {
  "/v1/chat/completions": readOpenaiChat,
  "/v1/responses": readOpenaiResponses,
  "/v1/embeddings": readOpenaiEmbeddings,
};

export function readOpenaiLine(value: unknown, defaults: LineDefaults): Read<ParsedLine> {
  const frame = read(frameSchema, value);
  if (!frame.ok) return frame;
  const { custom_id: customId, url } = frame.value;
  const body = readers[url](frame.value.body, "body", defaults.model);
  if (!body.ok) return body;
  const shape = url === "/v1/responses" ? "openai-response" : "openai";
  return { ok: true, value: { customId, shape, priority: defaults.priority, body: body.value } };
}
