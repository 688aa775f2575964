/**
 * The items of a response's output. Their ids say which request they belong to and which of its items they are, so that a
 * later request can refer to them. Pure.
 */
import type { AssistantPart, ReasoningPart, ToolCallPart } from "../../src/request/parts.ts";
import type { Result } from "../../src/request/result.ts";
import { isRefusal } from "./openai-completion.ts";
import { sealed } from "./openai-response-seal.ts";

/** Without the dashes, as OpenAI's own look. */
const hex = (requestId: string): string => requestId.replaceAll("-", "");

export const responseId = (requestId: string): string => `resp_${hex(requestId)}`;
export const messageId = (requestId: string, at: number): string => `msg_${hex(requestId)}_${at}`;
export const callId = (requestId: string, at: number): string => `fc_${hex(requestId)}_${at}`;
export const thoughtId = (requestId: string, at: number | string): string => `rs_${hex(requestId)}_${at}`;

/** The request that a response, or an item of one, belongs to; undefined for ids that are not ours. */
export function requestOfItem(id: string): string | undefined {
  const found = /^(?:resp|msg|fc|rs)_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})(?:_|$)/.exec(
    id,
  );
  return found === null ? undefined : found.slice(1).join("-");
}

export type OutputItem = { readonly id: string; readonly type: string };

export function outputItems(
  requestId: string,
  result: Pick<Result, "text" | "parts" | "finish">,
): readonly OutputItem[] {
  const { text, parts = [] } = result;
  const said: readonly AssistantPart[] =
    parts.some(({ type }) => type === "text") || text === "" ? parts : [...parts, { type: "text", text }];
  const refused = isRefusal(result);
  const counts = { messages: 0, calls: 0, thoughts: 0, hidden: 0 };
  return joined(said).map((part) => {
    if (part.type === "text") return messageItem(messageId(requestId, counts.messages++), part.text, refused);
    if (part.type === "tool-call") return callItem(callId(requestId, counts.calls++), part);
    const at = part.text === "" ? `e${counts.hidden++}` : counts.thoughts++;
    return thoughtItem(thoughtId(requestId, at), part);
  });
}

/** Texts that follow each other are one message. */
function joined(parts: readonly AssistantPart[]): readonly AssistantPart[] {
  const all: AssistantPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (part.type === "text" && last?.type === "text") all[all.length - 1] = { ...last, text: last.text + part.text };
    else if (part.type !== "text" || part.text !== "") all.push(part);
  }
  return all;
}

export const messageItem = (id: string, text: string, refused = false) => ({
  id,
  type: "message",
  status: "completed",
  role: "assistant",
  content: [refused ? { type: "refusal", refusal: text } : textPart(text)],
});

export const textPart = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

export const callItem = (id: string, { id: call_id, name, input, signature }: ToolCallPart) => ({
  id,
  type: "function_call",
  status: "completed",
  call_id,
  name,
  arguments: JSON.stringify(input),
  ...(signature === undefined ? {} : { signature }),
});

export const thoughtItem = (id: string, part: ReasoningPart) => ({
  id,
  type: "reasoning",
  summary: part.text === "" ? [] : [{ type: "summary_text", text: part.text }],
  encrypted_content: sealed(part),
});
