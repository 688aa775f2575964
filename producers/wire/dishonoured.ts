/** Bodies of other wires: what is honoured is read, what would change the answer and cannot be honoured is refused, by name. Pure. */
import type { z } from "zod";
import { pathOf, type Read, read } from "./complaint.ts";
import { isGiven } from "./fields.ts";

export interface FieldRules {
  /** Fields that do not change the answer: bookkeeping at the vendor, and hints about speed. */
  readonly ignored: ReadonlySet<string>;
  /** Fields that change the answer and cannot be honoured, with the values that ask for nothing special. */
  readonly neutral: Readonly<Record<string, (value: unknown) => boolean>>;
  /** Instead of "cannot be honoured": what follows the field's path. */
  readonly words?: Readonly<Record<string, string>>;
}

/** The fields of `schema`; up to three complaints about others. `at` is the path of the body. */
export function readHonoured<Shape extends z.ZodRawShape>(
  body: Readonly<Record<string, unknown>>,
  at: string,
  schema: z.ZodObject<Shape>,
  rules: FieldRules,
): Read<z.output<z.ZodObject<Shape>>> {
  const isHonoured = ([field]: readonly [string, unknown]) => Object.hasOwn(schema.shape, field);
  const fields = Object.entries(body);
  const complaints = fields
    .filter((entry) => !isHonoured(entry))
    .flatMap(([field, value]) => complaintAbout(field, value, at, rules) ?? []);
  if (complaints.length > 0) return { ok: false, reason: complaints.slice(0, 3).join("; ") };
  return read(schema, Object.fromEntries(fields.filter(isHonoured)), at);
}

function complaintAbout(field: string, value: unknown, at: string, rules: FieldRules): string | undefined {
  const { ignored, neutral, words = {} } = rules;
  if (!isGiven(value) || ignored.has(field)) return undefined;
  const path = pathOf(at, [field]);
  const asksForNothing = Object.hasOwn(neutral, field) ? neutral[field] : undefined;
  if (asksForNothing === undefined) return `unknown field "${path}"`;
  if (asksForNothing(value)) return undefined;
  return `${path} ${words[field] ?? "cannot be honoured by this version"}`;
}

/** Of `stream`, where a route does not take it away before. */
export const notStreamed = "must not be true: the answers of a batch are not streamed";

/** No field, no item. */
export const isEmpty = (value: unknown): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;

/** Whatever is given there asks for something. */
export const never = (): boolean => false;
