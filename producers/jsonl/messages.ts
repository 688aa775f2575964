/** Chat messages as OpenAI's wire writes them, into Millrace's: text only, system turns apart. */
import { z } from "zod";
import type { Message } from "../../src/request/body.ts";
import { pathOf, type Read, read } from "./complaint.ts";

export interface Conversation {
  /** All system and developer turns, in their order; providers take them before the conversation. */
  readonly system: string | undefined;
  readonly messages: readonly Message[];
}

const turnSchema = z.looseObject({ role: z.string(), content: z.unknown() });
const turnsSchema = z.array(turnSchema);

/** `at` is where the list stands, such as `body.messages`. */
export function readMessages(value: unknown, at: string): Read<Conversation> {
  const turns = read(turnsSchema, value, at);
  if (!turns.ok) return turns;
  const system: string[] = [];
  const messages: Message[] = [];
  for (const [index, turn] of turns.value.entries()) {
    const place = pathOf(at, [index]);
    const unusable = unusableTurn(turn, place);
    if (unusable !== undefined) return { ok: false, reason: unusable };
    const content = readContent(turn.content, `${place}.content`);
    if (!content.ok) return content;
    if (isSystem(turn.role)) system.push(content.value.map((part) => part.text).join(""));
    else messages.push({ role: turn.role === "assistant" ? "assistant" : "user", content: content.value });
  }
  if (messages.length === 0) return { ok: false, reason: `${at} holds no user message` };
  return { ok: true, value: { system: system.length === 0 ? undefined : system.join("\n\n"), messages } };
}

const isSystem = (role: string): boolean => role === "system" || role === "developer";

function unusableTurn(turn: z.infer<typeof turnSchema>, place: string): string | undefined {
  const { role } = turn;
  if (role === "tool" || role === "function")
    return `${place}.role "${role}" needs tools, which this version cannot use`;
  if (role !== "user" && role !== "assistant" && !isSystem(role)) {
    return `${place}.role must be system, developer, user or assistant, not ${JSON.stringify(role)}`;
  }
  for (const field of ["tool_calls", "function_call", "audio"]) {
    const value = turn[field];
    if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) {
      return `${place}.${field} cannot be sent by this version`;
    }
  }
  return undefined;
}

const partSchema = z.looseObject({ type: z.string() });
const textPartSchema = z.looseObject({ type: z.literal("text"), text: z.string() });

function readContent(value: unknown, at: string): Read<Message["content"]> {
  if (typeof value === "string") return { ok: true, value: [{ type: "text", text: value }] };
  if (value === undefined || value === null) return { ok: false, reason: `${at} is missing` };
  if (!Array.isArray(value)) return { ok: false, reason: `${at} must be text or a list of parts` };
  if (value.length === 0) return { ok: false, reason: `${at} is empty` };
  const parts: Message["content"] = [];
  for (const [index, item] of value.entries()) {
    const place = pathOf(at, [index]);
    const kind = read(partSchema, item, place);
    if (!kind.ok) return kind;
    if (kind.value.type !== "text") {
      const type = JSON.stringify(kind.value.type);
      return { ok: false, reason: `${place}: parts of type ${type} cannot be sent by this version, only text` };
    }
    const part = read(textPartSchema, item, place);
    if (!part.ok) return part;
    parts.push({ type: "text", text: part.value.text });
  }
  return { ok: true, value: parts };
}
