/** What a chat completion asks for. */
import { z } from "zod";
import { partText } from "./part-text.ts";
import { invalid, problemOf } from "./problem.ts";
import type { Problem } from "./refusal.ts";
import type { Reading } from "./wire.ts";
import type { Wish } from "./wish.ts";
import { writtenSchema } from "./written-schema.ts";

const contentSchema = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  z.null(),
]);
const requestSchema = z.object({
  model: z.string().min(1),
  messages: z
    .array(z.object({ role: z.string(), content: contentSchema.optional(), tool_calls: z.unknown().optional() }))
    .min(
      1,
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  n: z.literal(1, "Invalid 'n': the simulator gives one choice.").nullish(),
  tools: z
    .array(z.object({ function: z.object({ name: z.string(), parameters: writtenSchema.default({}) }) }))
    .nullish(),
  tool_choice: z.union([z.string(), z.object({ function: z.object({ name: z.string() }) })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z
    .object({ type: z.string(), json_schema: z.object({ schema: writtenSchema.default({}) }).optional() })
    .nullish(),
});
type OpenaiRequest = z.infer<typeof requestSchema>;

export function readOpenai(body: unknown): Reading {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return invalid(problemOf(parsed.error));
  const { model, messages, stop, stream, stream_options, max_tokens, max_completion_tokens } = parsed.data;
  // Reasoning models have refused the old name since they exist.
  if (max_tokens != null && /^(?:o\d|gpt-5)/.test(model)) return invalid(oldName);
  return {
    ok: true,
    ask: {
      model,
      text: messages.map(({ content, tool_calls }) => `${textOf(content)}${jsonOf(tool_calls)}`).join("\n"),
      maxOutputTokens: max_completion_tokens ?? max_tokens ?? undefined,
      stop: typeof stop === "string" ? [stop] : (stop ?? []),
      stream: stream ?? false,
      usageInStream: stream_options?.include_usage ?? false,
      wish: wishOf(parsed.data),
    },
  };
}

function wishOf({ tools, tool_choice: choice, parallel_tool_calls, response_format, messages }: OpenaiRequest): Wish {
  const format = response_format?.type;
  return {
    tools:
      choice === "none" ? [] : (tools ?? []).map(({ function: { name, parameters: schema } }) => ({ name, schema })),
    // Mistral's word is `any`.
    must: typeof choice === "object" ? choice?.function : /^(?:required|any)$/.test(choice ?? "") ? "some" : undefined,
    single: parallel_tool_calls === false,
    hasResult: messages.at(-1)?.role === "tool",
    json: format?.startsWith("json") ? { schema: response_format?.json_schema?.schema ?? {} } : undefined,
  };
}

const jsonOf = (calls: unknown): string => (calls === undefined ? "" : JSON.stringify(calls));

const oldName: Problem = {
  path: "max_tokens",
  isMissing: false,
  message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  code: "unsupported_parameter",
};

const textOf = (content: z.infer<typeof contentSchema> | undefined): string =>
  typeof content === "string" ? content : (content ?? []).map(partText).join("");
