/** Whether an answer is what OpenAI's own document says of it. */
import { readFileSync } from "node:fs";
import { Validator } from "@cfworker/json-schema";
import { expect } from "vitest";

const document = JSON.parse(readFileSync(new URL("../fixtures/openai-files-batches.json", import.meta.url), "utf8"));

/** The document's examples send null for what is absent, and its schemas do not say so: what is null is left out first. */
export function expectOpenai(schema: string, value: unknown): void {
  const validator = new Validator({ ...document, $ref: `#/components/schemas/${schema}` }, "2020-12", false);
  const { errors } = validator.validate(withoutNulls(value));
  expect(errors, `${schema}: ${JSON.stringify(value)}`).toEqual([]);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const isError = "message" in value && "code" in value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null && !isError ? [] : [[key, withoutNulls(inner)]])),
  );
}
