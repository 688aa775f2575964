/** The content of a turn: a text, or a list of parts. */
import type { Part } from "../../src/request/parts.ts";
import { type Read, readEach } from "./complaint.ts";
import { readPart } from "./parts.ts";

/** `at` is the path of the content, such as `messages[0].content`. */
export function readContent(value: unknown, at: string): Read<readonly Part[]> {
  if (typeof value === "string") return { ok: true, value: [{ type: "text", text: value }] };
  if (value === undefined || value === null) return { ok: false, reason: `${at} is missing` };
  if (!Array.isArray(value)) return { ok: false, reason: `${at} must be text or a list of parts` };
  if (value.length === 0) return { ok: false, reason: `${at} is empty` };
  return readEach(value, at, readPart);
}

/** Only parts that may stand in a turn of this role. */
export function onlyParts<Allowed extends Part>(
  parts: Read<readonly Part[]>,
  at: string,
  role: string,
  allowed: (part: Part) => part is Allowed,
): Read<Allowed[]> {
  if (!parts.ok) return parts;
  return readEach(parts.value, at, (part, place): Read<Allowed> => {
    if (allowed(part)) return { ok: true, value: part };
    return { ok: false, reason: `${place}: a part of type "${part.type}" cannot be in a turn of role "${role}"` };
  });
}
