/**
 * A conversation as Anthropic's wire has it, into Millrace's. Results of tools stand there in turns of the user, and here in
 * turns of their own; system turns are set apart.
 */
import { z } from "zod";
import type { Message } from "../../src/request/body.ts";
import type { AssistantPart, Part, ToolResultPart, UserPart } from "../../src/request/parts.ts";
import { readBlocks } from "./anthropic-blocks.ts";
import { pathOf, type Read, read } from "./complaint.ts";
import { onlyParts } from "./content.ts";
import type { Conversation } from "./messages.ts";
import { readSystem, type SystemTurn, systemField } from "./system.ts";

const turnsSchema = z
  .array(z.strictObject({ role: z.enum(["user", "assistant", "system"]), content: z.unknown() }))
  .min(1);

/** `at` is where the list stands, such as `messages`. */
export function readAnthropicTurns(value: unknown, at: string): Read<Conversation> {
  const turns = read(turnsSchema, value, at);
  if (!turns.ok) return turns;
  const system: SystemTurn[] = [];
  const messages: Message[] = [];
  const called = new Map<string, string>();
  for (const [index, { role, content }] of turns.value.entries()) {
    const place = pathOf(at, [index, "content"]);
    if (role === "system") {
      const said = readSystemTurn(content, place);
      if (!said.ok) return said;
      system.push(said.value);
    } else if (role === "assistant") {
      const said = onlyParts(readBlocks(content, place), place, role, isAssistantPart);
      if (!said.ok) return said;
      messages.push({ role, content: said.value });
      for (const part of said.value) if (part.type === "tool-call") called.set(part.id, part.name);
    } else {
      const said = readUserTurn(content, place, called);
      if (!said.ok) return said;
      messages.push(...said.value);
    }
  }
  if (messages.length === 0) return { ok: false, reason: `${at} holds no user message` };
  return { ok: true, value: { system, messages } };
}

function readSystemTurn(content: unknown, place: string): Read<SystemTurn> {
  const field = read(systemField, content, place);
  return field.ok ? readSystem(field.value, place) : field;
}

type UserTurn = UserPart | ToolResultPart;

/** In its order: what follows each other and is of one kind becomes one turn. */
function readUserTurn(content: unknown, place: string, called: ReadonlyMap<string, string>): Read<Message[]> {
  const parts = onlyParts(readBlocks(content, place), place, "user", isUserTurn);
  if (!parts.ok) return parts;
  const messages: Message[] = [];
  for (const part of parts.value) {
    const last = messages.at(-1);
    if (part.type !== "tool-result") {
      if (last?.role === "user") last.content.push(part);
      else messages.push({ role: "user", content: [part] });
      continue;
    }
    const name = called.get(part.id);
    if (name === undefined) {
      const id = JSON.stringify(part.id);
      return { ok: false, reason: `${place} answers the tool_use ${id}, which no turn before it makes` };
    }
    if (last?.role === "tool") last.content.push({ ...part, name });
    else messages.push({ role: "tool", content: [{ ...part, name }] });
  }
  return { ok: true, value: messages };
}

const isAssistantPart = (part: Part): part is AssistantPart =>
  part.type === "text" || part.type === "reasoning" || part.type === "tool-call";
const isUserTurn = (part: Part): part is UserTurn => part.type !== "reasoning" && part.type !== "tool-call";
