/** `{"prompt": "…"}`, `{"messages": […]}` or another operation, with optional id, model, priority and every field of a request. */
import { z } from "zod";
import { priorityNames } from "../../src/request/priority.ts";
import { type Read, read } from "../wire/complaint.ts";
import { idSchema } from "../wire/fields.ts";
import { apart, readNative } from "../wire/native.ts";
import type { LineDefaults, ParsedLine } from "./parsed-line.ts";

const anyId = z.union([idSchema, z.number().int().transform(String)], {
  error: "must be a text of 1 to 512 characters without control characters, or a whole number",
});

const lineSchema = z.strictObject({
  id: anyId.nullish(),
  custom_id: anyId.nullish(),
  priority: z.enum(priorityNames).nullish(),
});

/** A line without an id is called `line-<no>`. */
export function readPlainLine(value: object, no: number, defaults: LineDefaults): Read<ParsedLine> {
  const unusable = unusableAsk(value);
  if (unusable !== undefined) return { ok: false, reason: unusable };
  const { own, asked } = apart(value, lineSchema.shape);
  const body = readNative(asked, "", defaults.model ?? "default");
  if (!body.ok) return body;
  const line = read(lineSchema, own);
  if (!line.ok) return line;
  return {
    ok: true,
    value: {
      customId: line.value.id ?? line.value.custom_id ?? `line-${no}`,
      shape: "plain",
      priority: line.value.priority ?? defaults.priority,
      body: body.value,
    },
  };
}

function unusableAsk(value: object): string | undefined {
  if ("operation" in value && value.operation !== "chat") return undefined;
  if (!("prompt" in value) && !("messages" in value)) return neitherOf(value);
  if ("prompt" in value && "messages" in value) return 'has both "prompt" and "messages"; give one';
  return "prompt" in value && value.prompt === "" ? "prompt is empty" : undefined;
}

function neitherOf(value: object): string {
  const found = Object.keys(value).slice(0, 8);
  const has =
    found.length === 0 ? "is an empty object" : `has only ${found.map((key) => JSON.stringify(key)).join(", ")}`;
  return `${has}; a line needs "prompt" or "messages", or OpenAI's custom_id, method, url and body`;
}
