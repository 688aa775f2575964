/**
 * A turn of the assistant: reasoning, what it said and the tools it called, in one list. OpenAI's wire has fields for them
 * (`reasoning_content`, `content`, `tool_calls`); a list of our own parts is already what is wanted.
 */
import { z } from "zod";
import { type AssistantPart, type Part, type ReasoningPart, reasoningPart } from "../../src/request/parts.ts";
import { type Read, read } from "./complaint.ts";
import { onlyParts, readContent } from "./content.ts";
import { readToolCalls } from "./tool-calls.ts";

const turnSchema = z.looseObject({
  content: z.unknown().optional(),
  refusal: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
  reasoning_content: z.string().nullish(),
  /** Of our own answers: the reasoning with its seals, instead of `reasoning_content`. */
  reasoning_parts: z.array(reasoningPart.omit({ type: true })).nullish(),
});
type Turn = z.infer<typeof turnSchema>;

/** `at` is the path of the turn. */
export function readAssistantTurn(value: unknown, at: string): Read<readonly AssistantPart[]> {
  const turn = read(turnSchema, value, at);
  if (!turn.ok) return turn;
  const calls = readToolCalls(turn.value.tool_calls ?? [], `${at}.tool_calls`);
  if (!calls.ok) return calls;
  const around = [...reasoningOf(turn.value), ...calls.value];
  const said = saidIn(turn.value, around.length > 0, `${at}.content`);
  return said.ok ? { ok: true, value: [...reasoningOf(turn.value), ...said.value, ...calls.value] } : said;
}

function reasoningOf({ reasoning_parts: parts, reasoning_content: content }: Turn): readonly ReasoningPart[] {
  if (parts) return parts.map((part) => ({ type: "reasoning", ...part }));
  return content ? [{ type: "reasoning", text: content }] : [];
}

/** Nothing need be said beside reasoning and calls; a refusal is what was said. */
function saidIn({ content, refusal }: Turn, beside: boolean, at: string): Read<readonly AssistantPart[]> {
  const refused: AssistantPart[] = refusal ? [{ type: "text", text: refusal }] : [];
  const nothing = content === undefined || content === null || content === "";
  if (nothing && (beside || refused.length > 0)) return { ok: true, value: refused };
  const parts = onlyParts(readContent(content, at), at, "assistant", isAssistantPart);
  return parts.ok ? { ok: true, value: [...parts.value, ...refused] } : parts;
}

const isAssistantPart = (part: Part): part is AssistantPart =>
  part.type === "text" || part.type === "reasoning" || part.type === "tool-call";
