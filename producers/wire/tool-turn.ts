/** What a tool gave back: a turn of OpenAI's for each call, or results of ours in a list. */
import { z } from "zod";
import {
  type FilePart,
  type ImagePart,
  type Part,
  type TextPart,
  type ToolResultPart,
  toolResultPart,
} from "../../src/request/parts.ts";
import { type Read, read } from "./complaint.ts";
import { onlyParts, readContent } from "./content.ts";
import { isGiven } from "./fields.ts";

const turnSchema = z.looseObject({
  content: z.unknown().optional(),
  tool_call_id: toolResultPart.shape.id.nullish(),
});

/** `at` is the path of the turn; `called` are the names of the tools that were called before it, by id. */
export function readToolTurn(value: unknown, at: string, called: ReadonlyMap<string, string>): Read<ToolResultPart[]> {
  const turn = read(turnSchema, value, at);
  if (!turn.ok) return turn;
  const { tool_call_id: id, content } = turn.value;
  const results = isGiven(id) ? resultOf(id, content, `${at}.content`) : resultsIn(content, at);
  if (!results.ok) return results;
  const stray = results.value.find((result) => !called.has(result.id));
  if (stray !== undefined) {
    return { ok: false, reason: `${at} answers the call ${JSON.stringify(stray.id)}, which no turn before it makes` };
  }
  return { ok: true, value: results.value.map((result) => named(result, called.get(result.id))) };
}

function resultOf(id: string, content: unknown, at: string): Read<ToolResultPart[]> {
  if (typeof content === "string") return { ok: true, value: [{ type: "tool-result", id, content }] };
  const parts = onlyParts(readContent(content, at), at, "tool", isResultContent);
  return parts.ok ? { ok: true, value: [{ type: "tool-result", id, content: parts.value }] } : parts;
}

function resultsIn(content: unknown, at: string): Read<ToolResultPart[]> {
  const isOurs = Array.isArray(content) && content.some((part) => part?.type === "tool-result");
  if (!isOurs) return { ok: false, reason: `${at}.tool_call_id is missing` };
  return onlyParts(readContent(content, `${at}.content`), `${at}.content`, "tool", isResult);
}

/** Some wires answer a call by the tool's name. */
const named = (result: ToolResultPart, name: string | undefined): ToolResultPart =>
  result.name === undefined && name !== undefined ? { ...result, name } : result;

const isResult = (part: Part): part is ToolResultPart => part.type === "tool-result";
const isResultContent = (part: Part): part is TextPart | ImagePart | FilePart =>
  part.type === "text" || part.type === "image" || part.type === "file";
