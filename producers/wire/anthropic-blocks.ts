/** Content of a turn as Anthropic's wire has it: a text, or a list of blocks. Blocks of tools that a provider runs are refused. */
import { z } from "zod";
import {
  type FilePart,
  type ImagePart,
  type Part,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
  toolCallPart,
  toolResultPart,
} from "../../src/request/parts.ts";
import { known } from "../../src/runtime/known.ts";
import { readDocument, readImage } from "./anthropic-media.ts";
import { readHiddenThought, readThought } from "./anthropic-thoughts.ts";
import { cacheMark } from "./cache-mark.ts";
import { type Read, read, readEach } from "./complaint.ts";
import { onlyParts } from "./content.ts";

/** `at` is the path of the content, such as `messages[0].content`. */
export function readBlocks(value: unknown, at: string): Read<readonly Part[]> {
  if (typeof value === "string") return { ok: true, value: [{ type: "text", text: value }] };
  if (value === undefined || value === null) return { ok: false, reason: `${at} is missing` };
  if (!Array.isArray(value)) return { ok: false, reason: `${at} must be text or a list of blocks` };
  if (value.length === 0) return { ok: false, reason: `${at} is empty` };
  return readEach(value, at, readBlock);
}

const headSchema = z.looseObject({ type: z.string() });

function readBlock(value: unknown, at: string): Read<Part> {
  const head = read(headSchema, value, at);
  if (!head.ok) return head;
  const { type } = head.value;
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  return reader === undefined
    ? { ok: false, reason: `${at}.type ${JSON.stringify(type)} cannot be honoured by this version` }
    : reader(value, at);
}

const readers: Readonly<Record<string, (value: unknown, at: string) => Read<Part>>> = {
  text: readText,
  image: readImage,
  document: readDocument,
  thinking: readThought,
  redacted_thinking: readHiddenThought,
  tool_use: readCall,
  tool_result: readResult,
};

/** What a text was taken from, its citations, is not sent on. */
const textSchema = z.object({ text: z.string(), cache_control: cacheMark });

function readText(value: unknown, at: string): Read<TextPart> {
  const block = read(textSchema, value, at);
  if (!block.ok) return block;
  return { ok: true, value: { type: "text", text: block.value.text, ...known({ cache: block.value.cache_control }) } };
}

/** A mark of the cache on a call changes no answer, and there is no place for it here. */
const callSchema = z.object({
  id: toolCallPart.shape.id,
  name: toolCallPart.shape.name,
  input: toolCallPart.shape.input,
  caller: z.looseObject({ type: z.literal("direct") }).nullish(),
  toolset_name: z.null().optional(),
  /** Not Anthropic's: the seal that a provider put on its call. */
  signature: toolCallPart.shape.signature.nullable(),
});

function readCall(value: unknown, at: string): Read<ToolCallPart> {
  const block = read(callSchema, value, at);
  if (!block.ok) return block;
  const { id, name, input, signature } = block.value;
  return { ok: true, value: { type: "tool-call", id, name, input, ...known({ signature }) } };
}

const resultSchema = z.object({
  tool_use_id: toolResultPart.shape.id,
  content: z.unknown().optional(),
  is_error: toolResultPart.shape.isError.nullable(),
  cache_control: cacheMark,
});

function readResult(value: unknown, at: string): Read<ToolResultPart> {
  const block = read(resultSchema, value, at);
  if (!block.ok) return block;
  const { tool_use_id: id, content, is_error: isError, cache_control: cache } = block.value;
  const gave = readGiven(content, `${at}.content`);
  if (!gave.ok) return gave;
  const more = { ...(isError === true ? { isError } : {}), ...known({ cache }) };
  return { ok: true, value: { type: "tool-result", id, content: gave.value, ...more } };
}

/** A tool that gave back nothing leaves its content out, or empty. */
function readGiven(content: unknown, at: string): Read<ToolResultPart["content"]> {
  if (typeof content === "string") return { ok: true, value: content };
  const isNothing = content === undefined || content === null || (Array.isArray(content) && content.length === 0);
  return isNothing ? { ok: true, value: "" } : onlyParts(readBlocks(content, at), at, "tool", isResultContent);
}

const isResultContent = (part: Part): part is TextPart | ImagePart | FilePart =>
  part.type === "text" || part.type === "image" || part.type === "file";
