/**
 * The SDK keeps of an error's JSON only what is an object under `error`. Mistral, vLLM and Hugging Face say their errors
 * without that envelope, xAI and Together as a text in it: they are put into it here, or their words would be lost.
 */
import { z } from "zod";
import { known } from "../../../runtime/known.ts";
import { jsonOrText } from "../../error-answer.ts";

/** `fetch`, with errors in OpenAI's envelope. */
export async function fetchInEnvelope(...asked: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...asked);
  if (response.ok || !/json/i.test(response.headers.get("content-type") ?? "")) return response;
  const text = await response.text();
  const { status, statusText, headers } = response;
  return new Response(enveloped(text), { status, statusText, headers });
}

const nested = z.object({ error: z.record(z.string(), z.unknown()) });
const detail = z.union([z.string(), z.array(z.object({ msg: z.string() })).transform((all) => all[0]?.msg)]);
const bare = z.object({
  error: z.string().optional().catch(undefined),
  message: z
    .union([z.string(), z.object({ detail })])
    .optional()
    .catch(undefined),
  detail: detail.optional().catch(undefined),
  type: z.unknown().optional(),
  code: z.unknown().optional(),
});

export function enveloped(text: string): string {
  const body = jsonOrText(text);
  const found = bare.safeParse(body);
  if (nested.safeParse(body).success || !found.success) return text;
  const { error, message, detail: why, type, code } = found.data;
  const words = typeof message === "object" ? message.detail : message;
  return JSON.stringify({ error: known({ message: error ?? words ?? why, type, code }) });
}
