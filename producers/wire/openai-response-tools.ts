/** Tools, the choice among them and the form of an answer, as the Responses API writes them: flat. */
import { z } from "zod";
import {
  type ResponseFormat,
  responseFormatSchema,
  type Tool,
  toolChoiceSchema,
  toolSchema,
} from "../../src/request/tools.ts";
import { known } from "../../src/runtime/known.ts";
import { pathOf, type Read, read, readEach } from "./complaint.ts";
import { isGiven } from "./fields.ts";

const [plain, , ours] = responseFormatSchema.options;

export const responseFormatField = z
  .discriminatedUnion("type", [
    plain,
    z.strictObject({ type: z.literal("json_object") }).transform((): ResponseFormat => ({ type: "json" })),
    z
      .strictObject({
        type: z.literal("json_schema"),
        name: ours.shape.name.nullable(),
        description: z.string().nullish(),
        schema: ours.shape.schema,
        strict: ours.shape.strict.nullable(),
      })
      .transform(
        ({ name, description, schema, strict }): ResponseFormat => ({
          type: "json-schema",
          ...known({ name }),
          schema: isGiven(description) ? { description, ...schema } : schema,
          ...known({ strict }),
        }),
      ),
  ])
  .nullish();

const choice = z
  .strictObject({ type: z.literal("function"), name: z.string().min(1) })
  .transform(({ name }) => ({ name }));

const [words] = toolChoiceSchema.options;

export const responseToolsShape = {
  tools: z.array(z.unknown()).max(128).nullish(),
  tool_choice: z
    .union([words, choice], { error: "must be auto, none, required or a function; other tools cannot be called" })
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
};
const toolsSchema = z.object(responseToolsShape);

const { name, description, parameters, strict } = toolSchema.shape;
const functionSchema = z
  .strictObject({
    type: z.literal("function"),
    name,
    description: description.nullable(),
    parameters: parameters.nullish(),
    strict: strict.nullable(),
  })
  .transform(
    (given): Tool => ({
      name: given.name,
      ...known({ description: given.description }),
      parameters: given.parameters ?? { type: "object", properties: {} },
      ...known({ strict: given.strict }),
    }),
  );
const headSchema = z.looseObject({ type: z.string() });

/** The same with tools as `toolsOf` takes them; `at` is the path of the body. */
export function readResponseTools({ tools, ...rest }: z.infer<typeof toolsSchema>, at: string) {
  const offered = readEach(tools ?? [], pathOf(at, ["tools"]), readTool);
  return offered.ok ? { ok: true as const, value: { ...rest, tools: offered.value } } : offered;
}

function readTool(value: unknown, place: string): Read<Tool> {
  const head = read(headSchema, value, place);
  if (!head.ok) return head;
  const { type } = head.value;
  if (type === "function") return read(functionSchema, value, place);
  const reason = `${place}.type is ${JSON.stringify(type)}: only tools of type "function" can be offered here`;
  return { ok: false, reason };
}
