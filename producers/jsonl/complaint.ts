/** zod's findings in words for the person who wrote the line: where, what is wrong, what would be right. */
import type { z } from "zod";

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

/** More findings than this in one line are counted. */
const shown = 3;

/** Parses strictly; `at` is the path of `value` in its line, such as `body`. */
export function read<Schema extends z.ZodType>(schema: Schema, value: unknown, at = ""): Read<z.output<Schema>> {
  const parsed = schema.safeParse(value, { error: wording });
  if (parsed.success) return { ok: true, value: parsed.data };
  const all = parsed.error.issues.map((issue) => worded(issue, at));
  const more = all.length > shown ? `; and ${all.length - shown} more` : "";
  return { ok: false, reason: `${all.slice(0, shown).join("; ")}${more}` };
}

const wording: z.core.$ZodErrorMap = (issue) =>
  issue.code === "invalid_type" && issue.input === undefined ? "is missing" : undefined;

function worded(issue: z.core.$ZodIssue, at: string): string {
  const path = pathOf(at, issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `unknown field ${JSON.stringify(pathOf(at, [key]))}`).join(", ");
  }
  if (issue.code === "too_big") return `${path} must be at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
  if (issue.code === "too_small") {
    return `${path} must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
  }
  if (issue.code === "invalid_type" && issue.message !== "is missing") {
    return `${path} must be ${nouns[issue.expected] ?? `a ${issue.expected}`}`;
  }
  return `${path} ${issue.message}`;
}

const nouns: Readonly<Record<string, string>> = {
  array: "a list",
  object: "an object",
  record: "an object",
  int: "a whole number",
};

const unitOf = (origin: string, number: number | bigint): string => {
  const unit = origin === "string" ? "character" : origin === "array" ? "item" : undefined;
  return unit === undefined ? "" : ` ${unit}${Number(number) === 1 ? "" : "s"} long`;
};

export const pathOf = (at: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`),
    at,
  ) || "the line";
