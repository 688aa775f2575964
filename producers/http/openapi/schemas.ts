/** zod's schemas as JSON Schemas of one document: those that have an id stand under its components, once. */
import { z } from "zod";

export interface Schemas {
  /** What is sent (`input`) or what is answered (`output`). */
  add(schema: z.core.$ZodType, io: "input" | "output"): object;
  /** All that `add` came upon, by name. */
  components(): Readonly<Record<string, unknown>>;
}

export function openSchemas(): Schemas {
  const found: Record<string, unknown> = {};
  return {
    add(schema, io) {
      const { $schema: _dialect, $defs: defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
      for (const [name, definition] of Object.entries(defs)) found[name] = moved(definition);
      return Object(moved(rest));
    },
    components: () => Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** With references to the document's components. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? `#/components/schemas/${inner.slice("#/$defs/".length)}`
        : moved(inner),
    ]),
  );
}
