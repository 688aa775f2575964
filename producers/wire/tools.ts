/** Tools and the choice among them, as Millrace or OpenAI writes them. */
import { z } from "zod";
import type { ChatBody } from "../../src/request/body.ts";
import { type Tool, type ToolChoice, toolChoiceSchema, toolSchema } from "../../src/request/tools.ts";
import { known } from "../../src/runtime/known.ts";
import { cacheMark } from "./cache-mark.ts";
import { pathOf, type Read } from "./complaint.ts";
import { isGiven } from "./fields.ts";

const { name, description, parameters, strict, cache } = toolSchema.shape;
const described = {
  name,
  description: description.nullable(),
  parameters: parameters.nullish(),
  strict: strict.nullable(),
};
const toolOf = (given: z.infer<z.ZodObject<typeof described>>, hint: z.infer<typeof cache> | null): Tool => ({
  name: given.name,
  ...known({ description: given.description }),
  // Left out, as OpenAI allows it: a tool that takes nothing.
  parameters: given.parameters ?? { type: "object", properties: {} },
  ...known({ strict: given.strict, cache: hint }),
});

const openaiTool = z
  .strictObject({ type: z.literal("function"), function: z.strictObject(described), cache_control: cacheMark })
  .transform((given) => toolOf(given.function, given.cache_control));
const nativeTool = z.strictObject({ ...described, cache }).transform((given) => toolOf(given, given.cache));

const openaiChoice = z
  .strictObject({ type: z.literal("function"), function: z.strictObject({ name }) })
  .transform(({ function: called }) => ({ name: called.name }));

export const toolsShape = {
  tools: z
    .array(z.union([openaiTool, nativeTool]))
    .max(128)
    .nullish(),
  tool_choice: z.union([...toolChoiceSchema.options, openaiChoice]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
};
const toolsSchema = z.object(toolsShape);

/** `at` is the path of the object that holds them. A choice needs tools to choose from. */
export function toolsOf(
  given: z.infer<typeof toolsSchema>,
  at: string,
): Read<Pick<ChatBody, "tools" | "toolChoice" | "parallelToolCalls">> {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel } = given;
  const wrong = isGiven(choice) ? impossible(choice, tools ?? []) : undefined;
  if (wrong !== undefined) return { ok: false, reason: `${pathOf(at, ["tool_choice"])} ${wrong}` };
  if (!isGiven(tools) || tools.length === 0) return { ok: true, value: {} };
  return {
    ok: true,
    value: {
      tools,
      ...known({ toolChoice: choice, parallelToolCalls: parallel }),
    },
  };
}

function impossible(choice: ToolChoice, tools: readonly Tool[]): string | undefined {
  if (choice === "required" && tools.length === 0) return "asks for a tool, and there is none";
  if (typeof choice === "string" || tools.some((tool) => tool.name === choice.name)) return undefined;
  return `names ${JSON.stringify(choice.name)}, which is none of the tools`;
}
