/** The body of OpenAI's `/v1/chat/completions`. What would change the answer and cannot be honoured is refused, by name. */
import { z } from "zod";
import type { ChatBody } from "../../src/request/body.ts";
import { pathOf, type Read } from "./complaint.ts";
import { type FieldRules, isEmpty, never, notStreamed, readHonoured } from "./dishonoured.ts";
import { aboutOf, aboutShape, modelSchema, noModel } from "./fields.ts";
import { formatOf, formatSchema } from "./format.ts";
import { readMessages } from "./messages.ts";
import { samplingOf, samplingShape } from "./sampling.ts";
import { joinSystem } from "./system.ts";
import { toolsOf, toolsShape } from "./tools.ts";

const { metadata, user_id: userId } = aboutShape;
const honouredSchema = z.strictObject({
  model: modelSchema.nullish(),
  messages: z.unknown(),
  ...samplingShape,
  ...toolsShape,
  response_format: formatSchema,
  metadata,
  user: userId,
  safety_identifier: userId,
});

/** `at` is the path of the body; `model` is for a body that names none. */
export function readOpenaiChat(body: Readonly<Record<string, unknown>>, at: string, model?: string): Read<ChatBody> {
  const honoured = readHonoured(body, at, honouredSchema, rules);
  if (!honoured.ok) return honoured;
  const given = honoured.value;
  const named = given.model ?? model;
  if (named === undefined) return { ok: false, reason: noModel(at) };
  const tools = toolsOf(given, at);
  if (!tools.ok) return tools;
  const conversation = readMessages(given.messages, pathOf(at, ["messages"]));
  if (!conversation.ok) return conversation;
  const system = joinSystem(conversation.value.system);
  return {
    ok: true,
    value: {
      model: named,
      ...(system === undefined ? {} : { system }),
      messages: [...conversation.value.messages],
      ...tools.value,
      ...formatOf(given.response_format),
      ...samplingOf(given),
      ...aboutOf({ metadata: given.metadata, user_id: given.safety_identifier ?? given.user }),
    },
  };
}

const rules: FieldRules = {
  ignored: new Set(["store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prediction"]),
  neutral: {
    n: (value) => value === 1,
    stream: (value) => value === false,
    stream_options: never,
    functions: isEmpty,
    function_call: (value) => value === "none" || value === "auto",
    logprobs: (value) => value === false,
    top_logprobs: (value) => value === 0,
    logit_bias: isEmpty,
    modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
    audio: never,
    verbosity: never,
    web_search_options: never,
  },
  words: {
    n: "cannot be honoured by this version (one answer a request)",
    stream: notStreamed,
    functions: "cannot be honoured by this version; use tools",
    function_call: "cannot be honoured by this version; use tool_choice",
  },
};
