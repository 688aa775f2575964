/**
 * A conversation as callers write it, into Millrace's: turns of OpenAI's wire, whose parts may be Millrace's own. System
 * turns are set apart, and results of tools that follow each other become one turn.
 */
import { z } from "zod";
import type { Message } from "../../src/request/body.ts";
import { isMedia, type Part, type UserPart } from "../../src/request/parts.ts";
import { readAssistantTurn } from "./assistant-turn.ts";
import { pathOf, type Read, read } from "./complaint.ts";
import { onlyParts, readContent } from "./content.ts";
import { readTexts, type SystemTurn } from "./system.ts";
import { readToolTurn } from "./tool-turn.ts";

export interface Conversation {
  /** All system and developer turns, in their order; providers take them before the conversation. */
  readonly system: readonly SystemTurn[];
  readonly messages: readonly Message[];
}

const turnSchema = z.looseObject({ role: z.string(), content: z.unknown().optional() });
type Turn = z.infer<typeof turnSchema>;
const turnsSchema = z.array(turnSchema);

/** `at` is where the list stands, such as `body.messages`. */
export function readMessages(value: unknown, at: string): Read<Conversation> {
  const turns = read(turnsSchema, value, at);
  if (!turns.ok) return turns;
  const system: SystemTurn[] = [];
  const messages: Message[] = [];
  const called = new Map<string, string>();
  for (const [index, turn] of turns.value.entries()) {
    const place = pathOf(at, [index]);
    if (isSystem(turn.role)) {
      const said = readSystemTurn(turn, `${place}.content`);
      if (!said.ok) return said;
      system.push(said.value);
      continue;
    }
    const message = readTurn(turn, place, called);
    if (!message.ok) return message;
    append(messages, message.value);
    for (const part of message.value.content) if (part.type === "tool-call") called.set(part.id, part.name);
  }
  if (messages.length === 0) return { ok: false, reason: `${at} holds no user message` };
  return { ok: true, value: { system, messages } };
}

const isSystem = (role: string): boolean => role === "system" || role === "developer";

function readSystemTurn({ content }: Turn, at: string): Read<SystemTurn> {
  return Array.isArray(content) && content.length > 0 ? readTexts(content, at) : textsOnly(readContent(content, at));
}

/** Of a content that is no list: its one text. */
const textsOnly = (parts: Read<readonly Part[]>): Read<SystemTurn> =>
  parts.ok ? { ok: true, value: parts.value.filter((part) => part.type === "text") } : parts;

function readTurn(turn: Turn, place: string, called: ReadonlyMap<string, string>): Read<Message> {
  const unusable = ["function_call", "audio"].find((field) => turn[field] !== undefined && turn[field] !== null);
  if (unusable !== undefined) return { ok: false, reason: `${place}.${unusable} cannot be sent; ${instead[unusable]}` };
  const at = `${place}.content`;
  switch (turn.role) {
    case "user": {
      const content = onlyParts(readContent(turn.content, at), at, "user", isUserPart);
      return content.ok ? { ok: true, value: { role: "user", content: content.value } } : content;
    }
    case "assistant": {
      const content = readAssistantTurn(turn, place);
      return content.ok ? { ok: true, value: { role: "assistant", content: [...content.value] } } : content;
    }
    case "tool": {
      const content = readToolTurn(turn, place, called);
      return content.ok ? { ok: true, value: { role: "tool", content: content.value } } : content;
    }
    default: {
      const role = JSON.stringify(turn.role);
      return { ok: false, reason: `${place}.role must be system, developer, user, assistant or tool, not ${role}` };
    }
  }
}

/** Results of the calls of one turn belong together. */
function append(messages: Message[], next: Message): void {
  const last = messages.at(-1);
  if (last?.role === "tool" && next.role === "tool") {
    messages[messages.length - 1] = { role: "tool", content: [...last.content, ...next.content] };
  } else {
    messages.push(next);
  }
}

const instead: Readonly<Record<string, string>> = {
  function_call: "it was replaced by tool_calls",
  audio: "say what was spoken as content",
};

const isUserPart = (part: Part): part is UserPart => part.type === "text" || isMedia(part);
