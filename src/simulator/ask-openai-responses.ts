/** What a call of OpenAI's Responses API asks for. */
import { z } from "zod";
import { partText } from "./part-text.ts";
import { invalid, problemOf } from "./problem.ts";
import type { Reading } from "./wire.ts";
import type { Wish } from "./wish.ts";
import { writtenSchema } from "./written-schema.ts";

const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]).nullish(),
});
const requestSchema = z.object({
  model: z.string().min(1),
  input: z.union([
    z.string().transform((text) => [{ role: "user", content: text, type: "message" }]),
    z.array(itemSchema).min(1, "Invalid 'input': empty array."),
  ]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  stream: z.boolean().nullish(),
  tools: z
    .array(z.looseObject({ type: z.string(), name: z.string().optional(), parameters: writtenSchema.nullish() }))
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ name: z.string().optional() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.object({ format: z.object({ type: z.string(), schema: writtenSchema.optional() }).optional() }).nullish(),
});
type ResponsesRequest = z.infer<typeof requestSchema>;

export function readResponses(body: unknown): Reading {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return invalid(problemOf(parsed.error));
  const { model, input, instructions, max_output_tokens, stream } = parsed.data;
  const texts = [...(instructions ? [instructions] : []), ...input.map(textOf)];
  return {
    ok: true,
    ask: {
      model,
      text: texts.join("\n"),
      maxOutputTokens: max_output_tokens ?? undefined,
      stop: [],
      stream: stream ?? false,
      usageInStream: true,
      wish: wishOf(parsed.data),
    },
  };
}

function wishOf({ tools, tool_choice: choice, parallel_tool_calls, text, input }: ResponsesRequest): Wish {
  const offered = (tools ?? []).flatMap(({ type, name, parameters }) =>
    type === "function" && name !== undefined ? [{ name, schema: parameters ?? {} }] : [],
  );
  const format = text?.format;
  return {
    tools: choice === "none" ? [] : offered,
    must:
      typeof choice === "object" && choice?.name !== undefined
        ? { name: choice.name }
        : choice === "required"
          ? "some"
          : undefined,
    single: parallel_tool_calls === false,
    hasResult: input.at(-1)?.type === "function_call_output",
    json: format?.type.startsWith("json") ? { schema: format.schema ?? {} } : undefined,
  };
}

function textOf({ content, ...item }: z.infer<typeof itemSchema>): string {
  if (typeof content === "string") return content;
  return content === undefined || content === null ? partText(item) : content.map(partText).join("");
}
