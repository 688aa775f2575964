/** `{custom_id, method, url, body}`: a line of OpenAI's batch files with a chat completion in it. */
import { z } from "zod";
import { pathOf, type Read, read } from "./complaint.ts";
import { idSchema, modelSchema } from "./line-fields.ts";
import { readMessages } from "./messages.ts";
import type { LineDefaults, ParsedLine } from "./parsed-line.ts";
import { samplingOf, samplingShape } from "./sampling.ts";

const url = "/v1/chat/completions";

const frameSchema = z.strictObject({
  custom_id: idSchema,
  method: z.literal("POST", { error: 'must be "POST"' }),
  url: z.literal(url, { error: `must be "${url}", the only endpoint of this version` }),
  body: z.record(z.string(), z.unknown()),
});

const { top_k: _notOpenai, ...openaiSampling } = samplingShape;
const honouredSchema = z.strictObject({
  model: modelSchema.nullish(),
  messages: z.unknown(),
  ...openaiSampling,
});

export function readOpenaiLine(value: unknown, defaults: LineDefaults): Read<ParsedLine> {
  const frame = read(frameSchema, value);
  if (!frame.ok) return frame;
  const { custom_id: customId, body } = frame.value;

  const dishonoured = Object.entries(body).flatMap(([field, content]) => complaintAbout(field, content) ?? []);
  if (dishonoured.length > 0) return { ok: false, reason: dishonoured.slice(0, 3).join("; ") };
  const ours = Object.entries(body).filter(([field]) => Object.hasOwn(honouredSchema.shape, field));
  const honoured = read(honouredSchema, Object.fromEntries(ours), "body");
  if (!honoured.ok) return honoured;
  const model = honoured.value.model ?? defaults.model;
  if (model === undefined) return { ok: false, reason: "body.model is missing; name one there or with --model" };
  const conversation = readMessages(honoured.value.messages, "body.messages");
  if (!conversation.ok) return conversation;

  const { system, messages } = conversation.value;
  return {
    ok: true,
    value: {
      customId,
      shape: "openai",
      priority: defaults.priority,
      body: {
        model,
        ...(system === undefined ? {} : { system }),
        messages: [...messages],
        ...samplingOf({ ...honoured.value, top_k: undefined }),
      },
    },
  };
}

/** Fields that do not change the answer: bookkeeping at OpenAI, and hints about speed. */
const ignored = new Set([
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prediction",
  "parallel_tool_calls",
]);

const isEmpty = (value: unknown): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;
const responseFormatSchema = z.strictObject({ type: z.literal("text") });

/** Fields that change the answer and cannot be honoured yet, with the values that ask for nothing special. */
const neutral: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  stream: (value) => value === false,
  stream_options: () => false,
  tools: isEmpty,
  tool_choice: (value) => value === "none" || value === "auto",
  functions: isEmpty,
  function_call: (value) => value === "none" || value === "auto",
  response_format: (value) => responseFormatSchema.safeParse(value).success,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  logit_bias: isEmpty,
  presence_penalty: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
  audio: () => false,
  reasoning_effort: () => false,
  verbosity: () => false,
  web_search_options: () => false,
};

/** Why a field of the body stops the line, or undefined. */
function complaintAbout(field: string, value: unknown): string | undefined {
  if (value === null || ignored.has(field) || Object.hasOwn(honouredSchema.shape, field)) return undefined;
  const path = pathOf("body", [field]);
  const asksForNothing = Object.hasOwn(neutral, field) ? neutral[field] : undefined;
  if (asksForNothing === undefined) return `unknown field "${path}"`;
  if (asksForNothing(value)) return undefined;
  if (field === "stream") return `${path} must not be true: the answers of a batch are not streamed`;
  return `${path} cannot be honoured by this version${field === "n" ? " (one answer a line)" : ""}`;
}
