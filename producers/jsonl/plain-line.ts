/** `{"prompt": "…"}` or `{"messages": […]}`, with optional id, model, priority, system, limits and sampling. */
import { z } from "zod";
import { type Message, promptBody } from "../../src/request/body.ts";
import { priorityNames } from "../../src/request/priority.ts";
import { type Read, read } from "./complaint.ts";
import { idSchema, modelSchema } from "./line-fields.ts";
import { readMessages } from "./messages.ts";
import type { LineDefaults, ParsedLine } from "./parsed-line.ts";
import { samplingOf, samplingShape } from "./sampling.ts";

const anyId = z.union([idSchema, z.number().int().transform(String)], {
  error: "must be a text of 1 to 512 characters without control characters, or a whole number",
});

const plainSchema = z.strictObject({
  prompt: z.string().optional(),
  messages: z.unknown().optional(),
  id: anyId.nullish(),
  custom_id: anyId.nullish(),
  model: modelSchema.nullish(),
  priority: z.enum(priorityNames, { error: `must be one of ${priorityNames.join(", ")}` }).nullish(),
  system: z.string().nullish(),
  ...samplingShape,
  /** The caller's own; not read. */
  metadata: z.unknown().optional(),
});

/** A line without an id is called `line-<no>`. */
export function readPlainLine(value: object, no: number, defaults: LineDefaults): Read<ParsedLine> {
  const hasPrompt = "prompt" in value;
  if (!hasPrompt && !("messages" in value)) return { ok: false, reason: neitherOf(value) };
  if (hasPrompt && "messages" in value) return { ok: false, reason: 'has both "prompt" and "messages"; give one' };
  const plain = read(plainSchema, value);
  if (!plain.ok) return plain;
  const turns = readTurns(plain.value);
  if (!turns.ok) return turns;

  const { messages } = turns.value;
  const system = [plain.value.system, turns.value.system].filter((text) => typeof text === "string").join("\n\n");
  return {
    ok: true,
    value: {
      customId: plain.value.id ?? plain.value.custom_id ?? `line-${no}`,
      shape: "plain",
      priority: plain.value.priority ?? defaults.priority,
      body: {
        model: plain.value.model ?? defaults.model ?? "default",
        ...(system === "" ? {} : { system }),
        messages: [...messages],
        ...samplingOf(plain.value),
      },
    },
  };
}

function readTurns(plain: z.infer<typeof plainSchema>) {
  if (plain.prompt === undefined) return readMessages(plain.messages, "messages");
  if (plain.prompt === "") return { ok: false, reason: "prompt is empty" } as const;
  const messages: readonly Message[] = promptBody("", plain.prompt).messages;
  return { ok: true, value: { system: undefined, messages } } as const;
}

function neitherOf(value: object): string {
  const found = Object.keys(value).slice(0, 8);
  const has =
    found.length === 0 ? "is an empty object" : `has only ${found.map((key) => JSON.stringify(key)).join(", ")}`;
  return `${has}; a line needs "prompt" or "messages", or OpenAI's custom_id, method, url and body`;
}
