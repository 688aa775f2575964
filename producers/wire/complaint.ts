/** zod's findings in words for the person who wrote the line: where, what is wrong, what would be right. */
import type { z } from "zod";

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

/** More findings than this in one line are counted. */
const shown = 3;

/** Parses strictly; `at` is the path of `value` in its line, such as `body`. */
export function read<Schema extends z.ZodType>(schema: Schema, value: unknown, at = ""): Read<z.output<Schema>> {
  const parsed = schema.safeParse(value, context);
  if (parsed.success) return { ok: true, value: parsed.data };
  const all = parsed.error.issues.map((issue) => worded(issue, at));
  const more = all.length > shown ? `; and ${all.length - shown} more` : "";
  return { ok: false, reason: `${all.slice(0, shown).join("; ")}${more}` };
}

/** JSON nests as deeply as its sender likes, and whoever walks through it needs a stack for that. */
const deepest = 200;

/** Once for each document that comes in, before anyone walks through it; the complaint follows the place. */
export const depthComplaint = (value: unknown): string | undefined =>
  isTooDeep(value) ? `is nested more than ${deepest} levels deep` : undefined;

function isTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return true;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** Parses a body strictly, unless it nests too deeply to be walked through. */
export function readDocument<Schema extends z.ZodType>(schema: Schema, value: unknown): Read<z.output<Schema>> {
  const deep = depthComplaint(value);
  return deep === undefined ? read(schema, value) : { ok: false, reason: `the body ${deep}` };
}

/** Reads each item of a list; the first bad one is the answer. `at` is the path of the list. */
export function readEach<Item, Value>(
  items: readonly Item[],
  at: string,
  readItem: (item: Item, place: string) => Read<Value>,
): Read<Value[]> {
  const values: Value[] = [];
  for (const [index, item] of items.entries()) {
    const value = readItem(item, pathOf(at, [index]));
    if (!value.ok) return value;
    values.push(value.value);
  }
  return { ok: true, value: values };
}

const wording: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === "invalid_type" && issue.input === undefined) return "is missing";
  if (issue.code === "invalid_value") return choice(issue.values);
  if (issue.code === "invalid_format" && issue.format === "base64") return "must be base64";
  if (issue.code === "invalid_format" && issue.format === "url") return "must be an address such as https://…";
  return undefined;
};

/**
 * zod copies it for each parse and says there that it is not asynchronous. That must not be new to the copy: V8 would make a
 * shape for each, some two hundred bytes that only a full collection of garbage takes back.
 */
const context = { error: wording, async: false };

const choice = (values: readonly unknown[]): string =>
  values.length === 1 ? `must be ${JSON.stringify(values[0])}` : `must be one of ${values.join(", ")}`;

function worded(issue: z.core.$ZodIssue, at: string): string {
  const path = pathOf(at, issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `unknown field ${JSON.stringify(pathOf(at, [...issue.path, key]))}`).join(", ");
  }
  if (issue.code === "invalid_union") return wordedUnion(issue, path);
  if (issue.code === "too_big") return `${path} must be at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
  if (issue.code === "too_small") {
    return `${path} must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
  }
  if (issue.code === "invalid_type" && issue.message !== "is missing") {
    return `${path} must be ${nounOf(issue.expected)}`;
  }
  return `${path} ${issue.message}`;
}

/** Of several shapes the one that is least wrong; of several types all of them. */
function wordedUnion(issue: z.core.$ZodIssueInvalidUnion, path: string): string {
  const options: unknown = "options" in issue ? issue.options : undefined;
  if (Array.isArray(options)) return `${path} ${choice(options)}`;
  const shapes = issue.errors.filter((errors) =>
    errors.some((error) => error.code !== "invalid_type" || error.path.length > 0),
  );
  const [nearest] = [...shapes].sort((one, other) => weightOf(one) - weightOf(other));
  if (nearest !== undefined) return nearest.map((error) => worded(error, path)).join("; ");
  const kinds = issue.errors.flatMap(([error]) => (error?.code === "invalid_type" ? nounOf(error.expected) : []));
  return kinds.length === 0 || issue.message !== "Invalid input"
    ? `${path} ${issue.message}`
    : `${path} must be ${[...new Set(kinds)].join(" or ")}`;
}

const weightOf = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);

const nounOf = (expected: string): string => nouns[expected] ?? `a ${expected}`;

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
