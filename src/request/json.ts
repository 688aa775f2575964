/**
 * Any JSON, as it is. `z.json()` says the same, but it is recursive, and so is every schema that holds it: zod 4.6 keeps maps
 * of what it saw for each parse of such a schema, a kilobyte that only a full collection of garbage takes back.
 */
import { z } from "zod";

export type Json = z.core.util.JSONType;

/** Far more than what callers may send, and fewer than a stack has room for. */
const deepest = 1_000;

export const json = z.custom<Json>((value) => isJson(value, deepest), "must be JSON").meta({ id: "Json" });

function isJson(value: unknown, levels: number): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, levels - 1));
  return z.core.util.isPlainObject(value) && Object.values(value).every((inner) => isJson(inner, levels - 1));
}
