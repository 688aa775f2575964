/**
 * The body of OpenAI's `/v1/responses`. What would change the answer and cannot be honoured is refused, by name: above all
 * the vendor's own tools, and state that would lie at the vendor.
 */
import { z } from "zod";
import { type ChatBody, chatSchema } from "../../src/request/body.ts";
import { pathOf, type Read } from "./complaint.ts";
import { type FieldRules, isEmpty, never, notStreamed, readHonoured } from "./dishonoured.ts";
import { aboutOf, aboutShape, isGiven, modelSchema, noModel } from "./fields.ts";
import { formatOf } from "./format.ts";
import { readItems } from "./openai-response-items.ts";
import { readResponseTools, responseFormatField, responseToolsShape } from "./openai-response-tools.ts";
import { samplingOf, samplingShape } from "./sampling.ts";
import { joinSystem } from "./system.ts";
import { toolsOf } from "./tools.ts";

const { metadata, user_id: userId } = aboutShape;
const { temperature, top_p: topP, reasoning_effort: effort } = samplingShape;

const honouredSchema = z.strictObject({
  model: modelSchema.nullish(),
  input: z.unknown(),
  instructions: z.string().nullish(),
  max_output_tokens: chatSchema.shape.maxOutputTokens.nullable(),
  temperature,
  top_p: topP,
  /** Summaries are had by the provider's own options. */
  reasoning: z.looseObject({ effort }).nullish(),
  text: z.strictObject({ format: responseFormatField, verbosity: z.null().optional() }).nullish(),
  ...responseToolsShape,
  metadata,
  user: userId,
  safety_identifier: userId,
});

/** `at` is the path of the body; `model` is for a body that names none. */
export function readOpenaiResponses(
  body: Readonly<Record<string, unknown>>,
  at: string,
  model?: string,
): Read<ChatBody> {
  const honoured = readHonoured(body, at, honouredSchema, rules);
  if (!honoured.ok) return honoured;
  const given = honoured.value;
  const named = given.model ?? model;
  if (named === undefined) return { ok: false, reason: noModel(at) };
  const offered = readResponseTools(given, at);
  if (!offered.ok) return offered;
  const tools = toolsOf(offered.value, at);
  if (!tools.ok) return tools;
  const conversation = readItems(given.input, pathOf(at, ["input"]));
  if (!conversation.ok) return conversation;
  const { instructions } = given;
  const first = isGiven(instructions) ? [[{ type: "text" as const, text: instructions }]] : [];
  const system = joinSystem([...first, ...conversation.value.system]);
  return {
    ok: true,
    value: {
      model: named,
      ...(system === undefined ? {} : { system }),
      messages: [...conversation.value.messages],
      ...tools.value,
      ...formatOf(given.text?.format),
      ...samplingOf({
        max_output_tokens: given.max_output_tokens,
        temperature: given.temperature,
        top_p: given.top_p,
        reasoning_effort: given.reasoning?.effort,
      }),
      ...aboutOf({ metadata: given.metadata, user_id: given.safety_identifier ?? given.user }),
    },
  };
}

const stateless = "cannot be honoured: send the whole conversation as input";

const rules: FieldRules = {
  ignored: new Set([
    "store",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "stream_options",
    // Of the vendor's own tools, which are refused where they are named; sealed reasoning comes in any case.
    "max_tool_calls",
  ]),
  neutral: {
    stream: (value) => value === false,
    background: (value) => value === false,
    include: (value) => Array.isArray(value) && !value.includes("message.output_text.logprobs"),
    truncation: (value) => value === "disabled",
    top_logprobs: (value) => value === 0,
    previous_response_id: never,
    conversation: never,
    prompt: never,
    context_management: isEmpty,
    moderation: never,
  },
  words: {
    stream: notStreamed,
    background: "must not be true: the requests of a batch are in the background anyway",
    previous_response_id: stateless,
    conversation: stateless,
    prompt: "names a prompt that lies at one provider; send its text as instructions",
  },
};
