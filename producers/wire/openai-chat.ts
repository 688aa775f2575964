/** The body of OpenAI's `/v1/chat/completions`. What would change the answer and cannot be honoured is refused, by name. */
import { z } from "zod";
import type { ChatBody } from "../../src/request/body.ts";
import { pathOf, type Read, read } from "./complaint.ts";
import { aboutOf, aboutShape, isGiven, modelSchema } from "./fields.ts";
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
  const dishonoured = Object.entries(body).flatMap(([field, content]) => complaintAbout(field, content, at) ?? []);
  if (dishonoured.length > 0) return { ok: false, reason: dishonoured.slice(0, 3).join("; ") };
  const ours = Object.entries(body).filter(([field]) => Object.hasOwn(honouredSchema.shape, field));
  const honoured = read(honouredSchema, Object.fromEntries(ours), at);
  if (!honoured.ok) return honoured;
  const given = honoured.value;
  const named = given.model ?? model;
  if (named === undefined) {
    return { ok: false, reason: `${pathOf(at, ["model"])} is missing; name one there or with --model` };
  }
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

/** Fields that do not change the answer: bookkeeping at OpenAI, and hints about speed. */
const ignored = new Set(["store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prediction"]);

const isEmpty = (value: unknown): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;

/** Fields that change the answer and cannot be honoured, with the values that ask for nothing special. */
const neutral: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  stream: (value) => value === false,
  stream_options: () => false,
  functions: isEmpty,
  function_call: (value) => value === "none" || value === "auto",
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  logit_bias: isEmpty,
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
  audio: () => false,
  verbosity: () => false,
  web_search_options: () => false,
};

/** What a caller can do instead, or why it is so. */
const advice: Readonly<Record<string, string>> = {
  n: " (one answer a request)",
  functions: "; use tools",
  function_call: "; use tool_choice",
};

/** Why a field of the body stops it, or undefined. */
function complaintAbout(field: string, value: unknown, at: string): string | undefined {
  if (!isGiven(value) || ignored.has(field) || Object.hasOwn(honouredSchema.shape, field)) return undefined;
  const path = pathOf(at, [field]);
  const asksForNothing = Object.hasOwn(neutral, field) ? neutral[field] : undefined;
  if (asksForNothing === undefined) return `unknown field "${path}"`;
  if (asksForNothing(value)) return undefined;
  if (field === "stream") return `${path} must not be true: the answers of a batch are not streamed`;
  return `${path} cannot be honoured by this version${advice[field] ?? ""}`;
}
