/** A value that fits a JSON Schema, the same for the same seed: objects, lists, texts, numbers, booleans, choices. */
import { z } from "zod";
import { uniformAt } from "./digest.ts";
import type { JsonSchema } from "./wish.ts";

const schemaSchema = z.object({
  type: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  enum: z.array(z.unknown()).min(1).optional().catch(undefined),
  const: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional().catch(undefined),
  items: z.record(z.string(), z.unknown()).optional().catch(undefined),
  anyOf: z.array(z.unknown()).min(1).optional().catch(undefined),
  oneOf: z.array(z.unknown()).min(1).optional().catch(undefined),
  minItems: z.int().nonnegative().max(1_000).optional().catch(undefined),
  minLength: z.int().nonnegative().max(10_000).optional().catch(undefined),
  minimum: z.number().optional().catch(undefined),
  maximum: z.number().optional().catch(undefined),
  format: z.string().optional().catch(undefined),
});

/** Deeper ones are cut: a schema may refer to itself. */
const deepest = 12;

export const sample = (schema: JsonSchema, seed: number): unknown => valueFor(schema, seed, 0);

/** Gemini writes types in capitals. A `$ref` is not followed and gets an empty object. */
function valueFor(given: unknown, seed: number, depth: number): unknown {
  const schema = schemaSchema.safeParse(given).data ?? {};
  if (schema.const !== undefined) return schema.const;
  const choices = schema.enum;
  if (choices !== undefined) return choices[Math.floor(uniformAt(seed, depth) * choices.length)];
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined && depth < deepest) return valueFor(first, seed, depth + 1);
  const type = typeof schema.type === "string" ? schema.type : schema.type?.find((name) => name !== "null");
  switch (type?.toLowerCase()) {
    case "array": {
      const length = Math.max(schema.minItems ?? 0, depth < deepest ? 1 : 0);
      return Array.from({ length }, (_, at) => valueFor(schema.items ?? { type: "string" }, seed + at, depth + 1));
    }
    case "string":
      return textOf(schema.format, schema.minLength ?? 0, seed);
    case "integer":
    case "number":
      return numberOf(schema.minimum, schema.maximum, seed + depth);
    case "boolean":
      return uniformAt(seed, depth) < 0.5;
    case "null":
      return null;
    default:
      return Object.fromEntries(
        Object.entries(depth < deepest ? (schema.properties ?? {}) : {}).map(([name, inner], at) => [
          name,
          valueFor(inner, seed + at, depth + 1),
        ]),
      );
  }
}

const formats: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  email: "miller@example.com",
  uri: "https://example.com/mill",
  uuid: "00000000-0000-4000-8000-000000000000",
};
const words = ["wheel", "stone", "river", "grain", "flour"];

function textOf(format: string | undefined, minLength: number, seed: number): string {
  const word = formats[format ?? ""] ?? words[Math.floor(uniformAt(seed, 0) * words.length)] ?? "";
  return word.padEnd(minLength, ".");
}

function numberOf(minimum: number | undefined, maximum: number | undefined, seed: number): number {
  const low = Math.ceil(minimum ?? Math.min(0, maximum ?? 0));
  const high = Math.floor(maximum ?? low + 9);
  return Math.min(high, low + Math.floor(uniformAt(seed, 0) * (high - low + 1)));
}
