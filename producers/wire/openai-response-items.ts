/** The `input` of a response: a text, or items of a conversation, of which messages are one kind. */
import { z } from "zod";
import type { Message } from "../../src/request/body.ts";
import { type AssistantPart, isMedia, type Part, toolCallPart, type UserPart } from "../../src/request/parts.ts";
import { type Read, read, readEach } from "./complaint.ts";
import { onlyParts, readContent } from "./content.ts";
import type { Conversation } from "./messages.ts";
import { chatPart } from "./openai-response-parts.ts";
import { unsealed } from "./openai-response-seal.ts";
import { readTexts, type SystemTurn } from "./system.ts";
import { readArguments } from "./tool-calls.ts";
import { readToolTurn } from "./tool-turn.ts";

/** One item, as what it adds to the conversation. */
type Said = { readonly system: SystemTurn } | Message;
type Called = ReadonlyMap<string, string>;

/** `at` is where the input stands, such as `body.input`. */
export function readItems(value: unknown, at: string): Read<Conversation> {
  const items = typeof value === "string" ? [{ role: "user", content: value }] : value;
  if (items === undefined || items === null) return { ok: false, reason: `${at} is missing` };
  if (!Array.isArray(items)) return { ok: false, reason: `${at} must be text or a list of items` };
  const system: SystemTurn[] = [];
  const messages: Message[] = [];
  const called = new Map<string, string>();
  const all = readEach(items, at, (item, place) => {
    const said = readItem(item, place, called);
    if (!said.ok) return said;
    if ("system" in said.value) system.push(said.value.system);
    else if (said.value.content.length > 0) {
      append(messages, said.value);
      for (const part of said.value.content) if (part.type === "tool-call") called.set(part.id, part.name);
    }
    return said;
  });
  if (!all.ok) return all;
  if (messages.length === 0) return { ok: false, reason: `${at} holds no user message` };
  return { ok: true, value: { system, messages } };
}

const headSchema = z.looseObject({ type: z.string().nullish() });

function readItem(value: unknown, place: string, called: Called): Read<Said> {
  const head = read(headSchema, value, place);
  if (!head.ok) return head;
  const type = head.value.type ?? "message";
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader !== undefined) return reader(value, place, called);
  const reason = `${place}.type is ${JSON.stringify(type)}, which cannot be sent; messages, function calls, their outputs and reasoning can`;
  return { ok: false, reason };
}

const readers: Readonly<Record<string, (value: unknown, place: string, called: Called) => Read<Said>>> = {
  message: readMessage,
  function_call: readCall,
  function_call_output: readOutput,
  reasoning: readReasoning,
};

const messageSchema = z.looseObject({ role: z.string(), content: z.unknown() });

function readMessage(value: unknown, place: string): Read<Said> {
  const message = read(messageSchema, value, place);
  if (!message.ok) return message;
  const { role } = message.value;
  const at = `${place}.content`;
  const content = ourParts(message.value.content);
  switch (role) {
    case "system":
    case "developer": {
      const texts = readTexts(typeof content === "string" ? [{ type: "text", text: content }] : listOf(content), at);
      return texts.ok ? { ok: true, value: { system: texts.value } } : texts;
    }
    case "user": {
      const parts = onlyParts(readContent(content, at), at, role, isUserPart);
      return parts.ok ? { ok: true, value: { role, content: parts.value } } : parts;
    }
    case "assistant": {
      const parts = onlyParts(readContent(content, at), at, role, isSaid);
      return parts.ok ? { ok: true, value: { role, content: parts.value } } : parts;
    }
    default:
      return {
        ok: false,
        reason: `${place}.role must be system, developer, user or assistant, not ${JSON.stringify(role)}`,
      };
  }
}

const ourParts = (content: unknown): unknown => (Array.isArray(content) ? content.map(chatPart) : content);
const listOf = (content: unknown): readonly unknown[] => (Array.isArray(content) ? content : [content]);
const isUserPart = (part: Part): part is UserPart => part.type === "text" || isMedia(part);
const isSaid = (part: Part): part is AssistantPart => part.type === "text";

const callSchema = z.looseObject({
  call_id: toolCallPart.shape.id,
  name: toolCallPart.shape.name,
  arguments: z.string(),
  /** Not OpenAI's: the seal that a provider put on its call. */
  signature: toolCallPart.shape.signature.nullable(),
});

function readCall(value: unknown, place: string): Read<Said> {
  const call = read(callSchema, value, place);
  if (!call.ok) return call;
  const { call_id: id, name, arguments: text, signature } = call.value;
  const input = readArguments(text, `${place}.arguments`);
  if (!input.ok) return input;
  const part = { type: "tool-call" as const, id, name, input: input.value };
  const content = [typeof signature === "string" ? { ...part, signature } : part];
  return { ok: true, value: { role: "assistant", content } };
}

const outputSchema = z.looseObject({ call_id: z.string().min(1), output: z.unknown() });

function readOutput(value: unknown, place: string, called: Called): Read<Said> {
  const output = read(outputSchema, value, place);
  if (!output.ok) return output;
  const turn = { tool_call_id: output.value.call_id, content: ourParts(output.value.output) };
  const results = readToolTurn(turn, place, called);
  return results.ok ? { ok: true, value: { role: "tool", content: results.value } } : results;
}

const texts = z.array(z.looseObject({ text: z.string() })).nullish();
const reasoningSchema = z.looseObject({ summary: texts, content: texts, encrypted_content: z.string().nullish() });

/** A seal that is not one of ours is of no use to anybody here. */
function readReasoning(value: unknown, place: string): Read<Said> {
  const reasoning = read(reasoningSchema, value, place);
  if (!reasoning.ok) return reasoning;
  const { summary, content, encrypted_content: seal } = reasoning.value;
  const text = [...(summary ?? []), ...(content ?? [])].map((part) => part.text).join("\n\n");
  const part = { type: "reasoning" as const, text, ...unsealed(seal) };
  const isNothing = text === "" && part.signature === undefined;
  return { ok: true, value: { role: "assistant", content: isNothing ? [] : [part] } };
}

/** What an assistant said and called between two turns of others is one turn, and so are the results of its calls. */
function append(messages: Message[], next: Message): void {
  const last = messages.at(-1);
  if (last?.role === "tool" && next.role === "tool") {
    messages[messages.length - 1] = { role: "tool", content: [...last.content, ...next.content] };
  } else if (last?.role === "assistant" && next.role === "assistant") {
    messages[messages.length - 1] = { role: "assistant", content: [...last.content, ...next.content] };
  } else {
    messages.push(next);
  }
}
