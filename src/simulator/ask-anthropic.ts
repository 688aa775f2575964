/** What a message to Anthropic asks for. */
import { z } from "zod";
import { partText } from "./part-text.ts";
import { invalid, problemOf } from "./problem.ts";
import type { Arrival, Reading } from "./wire.ts";
import type { Wish } from "./wish.ts";
import { writtenSchema } from "./written-schema.ts";

const contentSchema = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]);
const formatSchema = z.object({ schema: writtenSchema.default({}) });
const requestSchema = z.object({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  messages: z
    .array(z.object({ role: z.enum(["user", "assistant", "system"]), content: contentSchema }))
    .min(1, "at least one message is required"),
  system: contentSchema.optional(),
  stop_sequences: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
  tools: z.array(z.object({ name: z.string(), input_schema: writtenSchema.optional() })).optional(),
  tool_choice: z
    .object({ type: z.string(), name: z.string().optional(), disable_parallel_tool_use: z.boolean().optional() })
    .optional(),
  output_config: z.object({ format: formatSchema.optional() }).optional(),
  output_format: formatSchema.optional(),
});
type AnthropicRequest = z.infer<typeof requestSchema>;
/** Parameters that API version 2026-10-21 no longer knows. */
const sampling = ["temperature", "top_p", "top_k"];

export function readAnthropic(body: unknown, { headers: sent }: Arrival): Reading {
  const version = sent["anthropic-version"];
  if (typeof version !== "string") {
    return invalid({ path: "anthropic-version", isMissing: false, message: "header is required" });
  }
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return invalid(problemOf(parsed.error));
  const removed = version >= "2026-10-21" ? sampling.find((name) => Object.hasOwn(Object(body), name)) : undefined;
  if (removed !== undefined) {
    return invalid({ path: removed, isMissing: false, message: "Extra inputs are not permitted" });
  }
  const { model, max_tokens, messages, system, stop_sequences, stream } = parsed.data;
  const contents = [...(system === undefined ? [] : [system]), ...messages.map(({ content }) => content)];
  return {
    ok: true,
    ask: {
      model,
      text: contents.map(textOf).join("\n"),
      maxOutputTokens: max_tokens,
      stop: stop_sequences ?? [],
      stream: stream ?? false,
      usageInStream: true,
      wish: wishOf(parsed.data),
    },
  };
}

function wishOf({ tools, tool_choice: choice, messages, output_config, output_format }: AnthropicRequest): Wish {
  const last = messages.at(-1)?.content;
  const { type, name = "" } = choice ?? {};
  return {
    // Tools of the vendor's own have no schema and are not ours to call.
    tools: (type === "none" ? [] : (tools ?? [])).flatMap(({ name: tool, input_schema: schema }) =>
      schema === undefined ? [] : [{ name: tool, schema }],
    ),
    must: type === "tool" ? { name } : type === "any" ? "some" : undefined,
    single: choice?.disable_parallel_tool_use ?? false,
    hasResult: Array.isArray(last) && last.some((part) => part.type === "tool_result"),
    json: output_config?.format ?? output_format,
  };
}

const textOf = (content: z.infer<typeof contentSchema>): string =>
  typeof content === "string" ? content : content.map(partText).join("");
