/** An answer whose form is a zod schema of the program: asked for as JSON Schema, and read with the schema itself. */
import { z } from "zod";
import type { Answer } from "./answer.ts";
import type { Ask } from "./ask.ts";

/** An ask for an answer of this form. Of chat only; a `responseFormat` beside it is replaced. */
export type AskFor<Schema extends z.ZodType> = Ask & { readonly schema: Schema };

export interface ParsedAnswer<Schema extends z.ZodType> extends Answer {
  readonly parsed: z.output<Schema>;
}

export const isAskFor = (ask: Ask): ask is AskFor<z.ZodType> => "schema" in ask && ask.schema instanceof z.ZodType;

export function plainAsk({ schema, ...ask }: AskFor<z.ZodType>): Ask {
  const { $schema: _dialect, ...form } = z.toJSONSchema(schema, { io: "input" });
  return Object.assign(ask, { responseFormat: { type: "json-schema", schema: form } });
}

/** Throws zod's error where the answer is of the JSON Schema and not of what the program adds to it, such as a refinement. */
export const parsedAnswer = <Schema extends z.ZodType>(answer: Answer, schema: Schema): ParsedAnswer<Schema> => ({
  ...answer,
  parsed: schema.parse(JSON.parse(answer.text)),
});
