/** System text from several places in one: the field, and every system or developer turn, in their order. Pure. */
import { z } from "zod";
import type { ChatBody } from "../../src/request/body.ts";
import type { TextPart } from "../../src/request/parts.ts";
import { pathOf, type Read, readEach } from "./complaint.ts";
import { readPart } from "./parts.ts";

/** What is said at one place: a text, or parts of text with marks of the cache. */
export type SystemTurn = readonly TextPart[];

export const systemField = z.union([z.string(), z.array(z.unknown()).min(1)]).nullish();

export function readSystem(value: z.infer<typeof systemField>, at: string): Read<SystemTurn> {
  if (value === undefined || value === null) return { ok: true, value: [] };
  return typeof value === "string" ? { ok: true, value: [{ type: "text", text: value }] } : readTexts(value, at);
}

export const readTexts = (values: readonly unknown[], at: string): Read<TextPart[]> =>
  readEach(values, at, (value, place): Read<TextPart> => {
    const part = readPart(value, place);
    if (!part.ok) return part;
    if (part.value.type === "text") return { ok: true, value: part.value };
    return { ok: false, reason: `${pathOf(place, ["type"])} must be "text": a system turn holds nothing else` };
  });

/** One text, unless marks of the cache cut it: then each piece ends at its mark. Undefined when nothing is said. */
export function joinSystem(turns: readonly SystemTurn[]): ChatBody["system"] {
  const pieces: TextPart[] = [];
  let text = "";
  for (const turn of turns.filter((parts) => parts.some((part) => part.text !== ""))) {
    if (text !== "") text += "\n\n";
    for (const part of turn) {
      text += part.text;
      if (part.cache === undefined) continue;
      pieces.push({ type: "text", text, cache: part.cache });
      text = "";
    }
  }
  if (pieces.length === 0) return text === "" ? undefined : text;
  return text === "" ? pieces : [...pieces, { type: "text", text }];
}
