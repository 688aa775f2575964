/** What OpenAI's own document says of its answers. */
import { readFileSync } from "node:fs";
import { Validator } from "@cfworker/json-schema";
import { z } from "zod";

const documentSchema = z.object({
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});
const path = new URL("../fixtures/openai-answers.json", import.meta.url);
const { components } = documentSchema.parse(JSON.parse(readFileSync(path, "utf8")));
const validators = new Map<string, Validator>();

const unionSchema = z.object({ anyOf: z.array(z.object({ $ref: z.string() })) });
const typeSchema = z.object({ properties: z.object({ type: z.object({ enum: z.tuple([z.string()]) }) }) });

/** The same for one event of a streamed response, held against what is said of its type. */
export function eventAgainstOpenai(event: unknown): readonly string[] {
  const { type } = z.object({ type: z.string() }).parse(event);
  const names = unionSchema
    .parse(components.schemas["ResponseStreamEvent"])
    .anyOf.map(({ $ref }) => $ref.slice($ref.lastIndexOf("/") + 1));
  const name = names.find((one) => typeSchema.parse(components.schemas[one]).properties.type.enum[0] === type);
  return name === undefined ? [`OpenAI's document has no event ${type}`] : againstOpenai(name, event);
}

/** Where it is not what the document says, in words; none: it is. `name` is that of a schema. */
export function againstOpenai(name: string, value: unknown): readonly string[] {
  if (!Object.hasOwn(components.schemas, name)) throw new Error(`OpenAI's document has no ${name}`);
  const validator =
    validators.get(name) ?? new Validator({ $ref: `#/components/schemas/${name}`, components }, "2020-12", false);
  validators.set(name, validator);
  const { valid, errors } = validator.validate(value);
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}
