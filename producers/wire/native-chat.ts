/** What Millrace's own surfaces take of a conversation: every field of the request schema, named in snake_case. */
import { z } from "zod";
import { type ChatBody, chatSchema, promptBody } from "../../src/request/body.ts";
import { known } from "../../src/runtime/known.ts";
import { pathOf, type Read, read } from "./complaint.ts";
import { aboutOf, aboutShape, isGiven, modelSchema } from "./fields.ts";
import { formatOf, formatSchema } from "./format.ts";
import { type Conversation, readMessages } from "./messages.ts";
import { nativeSamplingShape, samplingOf } from "./sampling.ts";
import { joinSystem, readSystem, systemField } from "./system.ts";
import { toolsOf, toolsShape } from "./tools.ts";

const { safety, cache, stream } = chatSchema.shape;

export const nativeChatShape = {
  operation: z.literal("chat").nullish(),
  model: modelSchema.nullish(),
  ...aboutShape,
  prompt: z.string().min(1).optional(),
  messages: z.unknown().optional(),
  system: systemField,
  ...toolsShape,
  response_format: formatSchema,
  ...nativeSamplingShape,
  safety: safety.nullable(),
  cache: cache.nullable(),
  stream: stream.nullable(),
};
const nativeChatSchema = z.strictObject(nativeChatShape);
type GivenChat = z.infer<typeof nativeChatSchema>;

/** `at` is the path of the object, or empty; `model` is for a body that names none. */
export function readNativeChat(value: object, at: string, model: string): Read<ChatBody> {
  const chat = read(nativeChatSchema, value, at);
  if (!chat.ok) return chat;
  const given = chat.value;
  const tools = toolsOf(given, at);
  if (!tools.ok) return tools;
  const first = readSystem(given.system, pathOf(at, ["system"]));
  if (!first.ok) return first;
  const conversation = conversationOf(given, at);
  if (!conversation.ok) return conversation;
  const system = joinSystem([first.value, ...conversation.value.system]);
  return {
    ok: true,
    value: {
      model: given.model ?? model,
      ...(system === undefined ? {} : { system }),
      messages: [...conversation.value.messages],
      ...tools.value,
      ...formatOf(given.response_format),
      ...samplingOf(given),
      ...(isGiven(given.safety) && given.safety.length > 0 ? { safety: given.safety } : {}),
      ...known({ cache: given.cache }),
      ...(given.stream === true ? { stream: true } : {}),
      ...aboutOf(given),
    },
  };
}

function conversationOf(given: GivenChat, at: string): Read<Conversation> {
  const hasMessages = given.messages !== undefined;
  if ((given.prompt !== undefined) === hasMessages) {
    return { ok: false, reason: `${pathOf(at, ["prompt"])} or messages must be given, and not both` };
  }
  if (hasMessages) return readMessages(given.messages, pathOf(at, ["messages"]));
  return { ok: true, value: { system: [], messages: promptBody("", given.prompt ?? "").messages } };
}
