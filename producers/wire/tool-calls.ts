/** Calls of tools in an assistant's turn as OpenAI's wire writes them: arguments are JSON in a text. */
import { z } from "zod";
import { type ToolCallPart, toolCallPart } from "../../src/request/parts.ts";
import { depthComplaint, type Read, read, readEach } from "./complaint.ts";

const callSchema = z.looseObject({
  id: toolCallPart.shape.id,
  type: z.literal("function").optional(),
  function: z.looseObject({ name: toolCallPart.shape.name, arguments: z.string() }),
  /** Not OpenAI's: the seal that a provider put on its call. */
  signature: toolCallPart.shape.signature.nullable(),
});

export const readToolCalls = (calls: readonly unknown[], at: string): Read<ToolCallPart[]> =>
  readEach(calls, at, (value, place): Read<ToolCallPart> => {
    const call = read(callSchema, value, place);
    if (!call.ok) return call;
    const { id, function: called, signature } = call.value;
    const input = readArguments(called.arguments, `${place}.function.arguments`);
    if (!input.ok) return input;
    const part = { type: "tool-call" as const, id, name: called.name, input: input.value };
    return { ok: true, value: typeof signature === "string" ? { ...part, signature } : part };
  });

/** No text at all is how some models call a tool that takes nothing. `at` is the path of the text. */
export function readArguments(text: string, at: string): Read<ToolCallPart["input"]> {
  if (text.trim() === "") return { ok: true, value: {} };
  try {
    const value: ToolCallPart["input"] = JSON.parse(text);
    const deep = depthComplaint(value);
    return deep === undefined ? { ok: true, value } : { ok: false, reason: `${at} ${deep}` };
  } catch {
    return { ok: false, reason: `${at} must be JSON in a text` };
  }
}
