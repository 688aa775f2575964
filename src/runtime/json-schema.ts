/**
 * JSON Schema as callers give it: draft 2020-12, of which draft 7 is mostly a part. The validator interprets schemas and
 * compiles no code from them, and its time is bounded: patterns are the callers' own.
 */
import { dereference, type Schema, Validator } from "@cfworker/json-schema";
import { withinTime } from "./time-bound.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Of one validation. */
const longestMs = 1_000;
const mostPlaces = 3;

/** Places and rules that `value` breaks, none of its words; undefined: it fits. Throws for a schema that cannot be used. */
export function schemaMismatch(schema: JsonSchema, value: unknown): string | undefined {
  let words: string | undefined;
  withinTime(longestMs, () => {
    const { valid, errors } = new Validator(copyOf(schema), "2020-12", true).validate(value);
    if (valid) return;
    // The deepest places come last; those above only say that something below is wrong.
    const places = errors.slice(-mostPlaces).map(({ instanceLocation, keyword }) => `${instanceLocation} (${keyword})`);
    words = [...new Set(places)].join(", ");
  });
  return words;
}

/** Why a schema cannot be used, where that shows without a value; undefined when it seems good. */
export function schemaProblem(schema: JsonSchema): string | undefined {
  try {
    const copy = copyOf(schema);
    const places = dereference(copy);
    return problemIn(copy, "#", (uri) => Object.hasOwn(places, uri));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function problemIn(node: unknown, at: string, isKnown: (uri: string) => boolean): string | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  const target: unknown = Reflect.get(node, "__absolute_ref__");
  if (typeof target === "string" && !isKnown(target)) return `${at}: its $ref leads nowhere`;
  for (const [key, value] of Object.entries(node)) {
    if (plainValues.has(key)) continue;
    const patterns =
      key === "patternProperties" && typeof value === "object" && value !== null ? Object.keys(value) : [];
    if (!patterns.every(isPattern)) return `${at}: a name of patternProperties is no regular expression`;
    if (key === "pattern" && typeof value === "string" && !isPattern(value))
      return `${at}: pattern is no regular expression`;
    const inner = problemIn(value, `${at}/${key}`, isKnown);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** What stands here is data, whatever it looks like. */
const plainValues: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** The validator writes marks of its own into the schema. */
const copyOf = (schema: JsonSchema): Schema => structuredClone(schema);
