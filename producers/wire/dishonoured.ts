/** Fields of another wire that this version cannot honour: what would change the answer is refused, by name. Pure. */
import { pathOf } from "./complaint.ts";
import { isGiven } from "./fields.ts";

export interface FieldRules {
  /** Fields that are read elsewhere. */
  readonly honoured: Readonly<Record<string, unknown>>;
  /** Fields that do not change the answer: bookkeeping at the vendor, and hints about speed. */
  readonly ignored: ReadonlySet<string>;
  /** Fields that change the answer and cannot be honoured, with the values that ask for nothing special. */
  readonly neutral: Readonly<Record<string, (value: unknown) => boolean>>;
  /** Instead of "cannot be honoured": what follows the field's path. */
  readonly words?: Readonly<Record<string, string>>;
}

/** Up to three complaints; undefined: none. `at` is the path of the body. */
export function dishonoured(body: object, at: string, rules: FieldRules): string | undefined {
  const complaints = Object.entries(body).flatMap(([field, value]) => complaintAbout(field, value, at, rules) ?? []);
  return complaints.length === 0 ? undefined : complaints.slice(0, 3).join("; ");
}

function complaintAbout(field: string, value: unknown, at: string, rules: FieldRules): string | undefined {
  const { honoured, ignored, neutral, words = {} } = rules;
  if (!isGiven(value) || ignored.has(field) || Object.hasOwn(honoured, field)) return undefined;
  const path = pathOf(at, [field]);
  const asksForNothing = Object.hasOwn(neutral, field) ? neutral[field] : undefined;
  if (asksForNothing === undefined) return `unknown field "${path}"`;
  if (asksForNothing(value)) return undefined;
  return `${path} ${words[field] ?? "cannot be honoured by this version"}`;
}

/** No field, no item. */
export const isEmpty = (value: unknown): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;

/** Whatever is given there asks for something. */
export const never = (): boolean => false;
