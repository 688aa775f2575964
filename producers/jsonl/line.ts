/** One line of a batch file: which of the two wires it speaks, and what it asks for. Pure. */
import { depthComplaint, type Read } from "../wire/complaint.ts";
import type { Line } from "./lines.ts";
import { readOpenaiLine } from "./openai-line.ts";
import type { LineDefaults, ParsedLine } from "./parsed-line.ts";
import { readPlainLine } from "./plain-line.ts";

/** The reason follows the line's number: `prompts.jsonl:12: is not JSON`. */
export function readLine(line: Line, defaults: LineDefaults): Read<ParsedLine> {
  if (!line.readable) return { ok: false, reason: line.reason };
  const parsed = parseJson(line.text, line.ended);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (Array.isArray(value)) return { ok: false, reason: "is a JSON list; each line must be one object" };
  if (typeof value !== "object" || value === null) {
    return {
      ok: false,
      reason: `is ${value === null ? "null" : `a ${typeof value}`}; each line must be one JSON object`,
    };
  }
  const deep = depthComplaint(value);
  if (deep !== undefined) return { ok: false, reason: deep };
  const isOpenai = ["body", "url", "method"].some((field) => Object.hasOwn(value, field));
  return isOpenai ? readOpenaiLine(value, defaults) : readPlainLine(value, line.no, defaults);
}

function parseJson(text: string, ended: boolean): Read<unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value };
  } catch {
    if (!ended) return { ok: false, reason: "is cut off: the file ends in the middle of this line" };
    return { ok: false, reason: `is not JSON: ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}` };
  }
}
