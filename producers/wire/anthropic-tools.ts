/** Tools and the choice among them, as Anthropic's wire writes them. Those that a provider runs itself are refused. */
import { z } from "zod";
import { type Tool, type ToolChoice, toolSchema } from "../../src/request/tools.ts";
import { known } from "../../src/runtime/known.ts";
import { cacheMark } from "./cache-mark.ts";
import { pathOf, type Read, read, readEach } from "./complaint.ts";
import { isGiven } from "./fields.ts";

const { name, description, parameters, strict } = toolSchema.shape;
const oneOnly = z.boolean().nullish();

export const toolFieldsShape = {
  tools: z.array(z.unknown()).max(128).nullish(),
  tool_choice: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("auto"), disable_parallel_tool_use: oneOnly }),
      z.strictObject({ type: z.literal("any"), disable_parallel_tool_use: oneOnly }),
      z.strictObject({ type: z.literal("tool"), name: z.string().min(1), disable_parallel_tool_use: oneOnly }),
      z.strictObject({ type: z.literal("none"), disable_parallel_tool_use: oneOnly }),
    ])
    .nullish(),
};
const fieldsSchema = z.object(toolFieldsShape);
type Fields = z.infer<typeof fieldsSchema>;

const headSchema = z.looseObject({ type: z.string().nullish(), name: z.unknown().optional() });
const ownSchema = z.strictObject({
  type: z.literal("custom").nullish(),
  name,
  description: description.nullable(),
  input_schema: parameters,
  strict: strict.nullable(),
  cache_control: cacheMark,
  /** How its input is delivered, which changes nothing of it. */
  eager_input_streaming: z.boolean().nullish(),
  defer_loading: z.literal(false).nullish(),
  allowed_callers: z.tuple([z.literal("direct")]).nullish(),
  input_examples: z.array(z.unknown()).max(0).nullish(),
});

/** `at` is the path of the body that holds them. */
export function readAnthropicTools({ tools, tool_choice: choice }: Fields, at: string) {
  const own = readEach(tools ?? [], pathOf(at, ["tools"]), readTool);
  if (!own.ok) return own;
  return {
    ok: true as const,
    value: {
      tools: own.value,
      tool_choice: choiceOf(choice),
      parallel_tool_calls: choice?.disable_parallel_tool_use === true ? false : undefined,
    },
  };
}

function readTool(value: unknown, place: string): Read<Tool> {
  const head = read(headSchema, value, place);
  if (!head.ok) return head;
  const { type } = head.value;
  if (typeof type === "string" && type !== "custom") {
    const kind = JSON.stringify(type);
    return { ok: false, reason: `${place}.type ${kind} cannot be honoured: only tools with an input_schema of yours` };
  }
  const tool = read(ownSchema, value, place);
  if (!tool.ok) return tool;
  const given = tool.value;
  return {
    ok: true,
    value: {
      name: given.name,
      parameters: given.input_schema,
      ...known({ description: given.description, strict: given.strict, cache: given.cache_control }),
    },
  };
}

function choiceOf(choice: Fields["tool_choice"]): ToolChoice | undefined {
  if (!isGiven(choice)) return undefined;
  switch (choice.type) {
    case "tool":
      return { name: choice.name };
    case "any":
      return "required";
    default:
      return choice.type;
  }
}
