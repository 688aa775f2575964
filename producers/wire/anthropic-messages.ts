/** The body of Anthropic's `/v1/messages`. What would change the answer and cannot be honoured is refused, by name. */
import { z } from "zod";
import { type ChatBody, chatSchema } from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import { readAnthropicTools, toolFieldsShape } from "./anthropic-tools.ts";
import { readAnthropicTurns } from "./anthropic-turns.ts";
import { cacheMark } from "./cache-mark.ts";
import { pathOf, type Read } from "./complaint.ts";
import { type FieldRules, isEmpty, never, notStreamed, readHonoured } from "./dishonoured.ts";
import { aboutShape, isGiven, modelSchema } from "./fields.ts";
import { joinSystem, readSystem, systemField } from "./system.ts";
import { toolsOf } from "./tools.ts";

const { maxOutputTokens, temperature, topP, topK, stop, reasoning, responseFormat } = chatSchema.shape;
const [, , jsonSchemaFormat] = responseFormat.unwrap().options;
const { budgetTokens } = reasoning.unwrap().shape;

/** `display: "omitted"` would hide what a thought says; the other words ask for what is done anyway. */
const display = z.literal("summarized").nullish();
const thinkingSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("enabled"), budget_tokens: budgetTokens.unwrap(), display }),
  z.strictObject({ type: z.literal("adaptive"), display }),
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({ type: z.literal("between_tools") }),
]);

const bodyShape = {
  model: modelSchema.nullish(),
  max_tokens: maxOutputTokens.nullable(),
  system: systemField,
  messages: z.unknown(),
  ...toolFieldsShape,
  thinking: thinkingSchema.nullish(),
  output_config: z
    .strictObject({
      effort: z.enum(["low", "medium", "high"]).nullish(),
      format: z.strictObject({ type: z.literal("json_schema"), schema: jsonSchemaFormat.shape.schema }).nullish(),
    })
    .nullish(),
  temperature: temperature.nullable(),
  top_p: topP.nullable(),
  top_k: topK.nullable(),
  stop_sequences: stop.unwrap().min(0).nullish(),
  metadata: z.strictObject({ user_id: aboutShape.user_id }).nullish(),
  cache_control: cacheMark,
};
export const anthropicBodySchema = z.strictObject(bodyShape);
type Given = z.infer<typeof anthropicBodySchema>;

/** `at` is the path of the body; `model` is for a body that names none. */
export function readAnthropicMessages(
  body: Readonly<Record<string, unknown>>,
  at: string,
  model?: string,
): Read<ChatBody> {
  const honoured = readHonoured(body, at, anthropicBodySchema, rules);
  if (!honoured.ok) return honoured;
  const given = honoured.value;
  const named = given.model ?? model;
  if (named === undefined) return { ok: false, reason: `${pathOf(at, ["model"])} is missing` };
  const first = readSystem(given.system, pathOf(at, ["system"]));
  if (!first.ok) return first;
  const asked = readAnthropicTools(given, at);
  if (!asked.ok) return asked;
  const tools = toolsOf(asked.value, at);
  if (!tools.ok) return tools;
  const conversation = readAnthropicTurns(given.messages, pathOf(at, ["messages"]));
  if (!conversation.ok) return conversation;
  const system = joinSystem([first.value, ...conversation.value.system]);
  return {
    ok: true,
    value: {
      model: named,
      ...(system === undefined ? {} : { system }),
      messages: [...conversation.value.messages],
      ...tools.value,
      ...termsOf(given),
    },
  };
}

function termsOf(given: Given): Partial<ChatBody> {
  const { stop_sequences: stops, output_config: output, metadata } = given;
  return {
    ...known({ maxOutputTokens: given.max_tokens, temperature: given.temperature, topP: given.top_p }),
    ...known({ topK: given.top_k, userId: metadata?.user_id, cache: given.cache_control }),
    ...(isGiven(stops) && stops.length > 0 ? { stop: stops } : {}),
    ...(isGiven(output?.format) ? { responseFormat: { type: "json-schema", schema: output.format.schema } } : {}),
    ...reasoningOf(given),
  };
}

/** Who only says "adaptive" gets the effort that Anthropic takes then. */
function reasoningOf({ thinking, output_config: output }: Given): Pick<ChatBody, "reasoning"> {
  const effort = output?.effort;
  switch (thinking?.type) {
    case "enabled":
      return { reasoning: { budgetTokens: thinking.budget_tokens, ...known({ effort }) } };
    case "adaptive":
      return { reasoning: { effort: effort ?? "high" } };
    case undefined:
      return isGiven(effort) ? { reasoning: { effort } } : {};
    default:
      return { reasoning: { effort: "none" } };
  }
}

const rules: FieldRules = {
  /** Whose capacity it takes, and what is told about it. */
  ignored: new Set(["service_tier", "diagnostics"]),
  neutral: {
    stream: (value) => value === false,
    speed: (value) => value === "standard",
    container: never,
    mcp_servers: isEmpty,
    context_management: isEmpty,
    inference_geo: never,
  },
  words: { stream: notStreamed },
};
