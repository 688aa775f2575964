/** The form of an answer, as Millrace or OpenAI writes it. */
import { z } from "zod";
import { type ResponseFormat, responseFormatSchema } from "../../src/request/tools.ts";
import { known } from "../../src/runtime/known.ts";
import { isGiven } from "./fields.ts";

const [plain, json, ours] = responseFormatSchema.options;

const openaiSchema = z
  .strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: ours.shape.name.nullable(),
      description: z.string().nullish(),
      schema: ours.shape.schema,
      strict: ours.shape.strict.nullable(),
    }),
  })
  .transform(
    ({ json_schema: given }): ResponseFormat => ({
      type: "json-schema",
      ...known({ name: given.name }),
      // The schema's own place for it, which every provider takes.
      schema: isGiven(given.description) ? { description: given.description, ...given.schema } : given.schema,
      ...known({ strict: given.strict }),
    }),
  );
const openaiObject = z
  .strictObject({ type: z.literal("json_object") })
  .transform((): ResponseFormat => ({ type: "json" }));

/** Plain text is what an answer is anyway, so asking for it is asking for nothing. */
export const formatSchema = z.discriminatedUnion("type", [plain, json, ours, openaiObject, openaiSchema]).nullish();

export const formatOf = (given: z.infer<typeof formatSchema>): { responseFormat?: ResponseFormat } =>
  isGiven(given) && given.type !== "text" ? { responseFormat: given } : {};
