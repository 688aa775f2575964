/** One part of a message: Millrace's own with names in snake_case, or one of OpenAI's wire. Both may stand in one message. */
import { z } from "zod";
import {
  audioPart,
  filePart,
  imagePart,
  type Part,
  reasoningPart,
  type ToolResultPart,
  textPart,
  toolCallPart,
  toolResultPart,
  videoPart,
} from "../../src/request/parts.ts";
import { cacheMark } from "./cache-mark.ts";
import { type Read, read } from "./complaint.ts";
import { isGiven } from "./fields.ts";
import { openaiPartReader } from "./openai-parts.ts";
import { nativeSource } from "./source.ts";

/** Others put more beside a text, such as annotations; it is not sent. */
const text = z.object(textPart.shape);
const image = imagePart.extend({ source: nativeSource });
const file = filePart.extend({ source: nativeSource });
const { isError: _isError, content: _content, ...resultShape } = toolResultPart.shape;
const toolResult = z
  .strictObject({
    ...resultShape,
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, file])).min(1)]),
    is_error: toolResultPart.shape.isError,
  })
  .transform(({ is_error: isError, ...part }): ToolResultPart => ({ ...part, ...(isError ? { isError } : {}) }));

export const nativePart = z.discriminatedUnion("type", [
  text,
  image,
  audioPart.extend({ source: nativeSource }),
  videoPart.extend({ source: nativeSource }),
  file,
  reasoningPart,
  toolCallPart,
  toolResult,
]);

const headSchema = z.looseObject({ type: z.string(), cache_control: cacheMark });

/** `at` is the part's path, such as `messages[0].content[2]`. */
export function readPart(value: unknown, at: string): Read<Part> {
  const head = read(headSchema, value, at);
  if (!head.ok) return head;
  const { cache_control: cache, ...fields } = head.value;
  const reader = openaiPartReader(fields);
  const part: Read<Part> = reader === undefined ? read(nativePart, fields, at) : reader(fields, at);
  if (!part.ok || !isGiven(cache)) return part;
  if (part.value.type === "reasoning" || part.value.type === "tool-call") {
    return { ok: false, reason: `${at}.cache_control cannot be on a part of type "${part.value.type}"` };
  }
  return { ok: true, value: { ...part.value, cache } };
}
