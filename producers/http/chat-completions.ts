/** `POST /v1/chat/completions`, as OpenAI's clients call it: whole or streamed, through the queue. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { ChatBody } from "../../src/request/body.ts";
import { type Read, readDocument } from "../wire/complaint.ts";
import { readOpenaiChat } from "../wire/openai-chat.ts";
import { openChunks } from "../wire/openai-chunks.ts";
import { openaiBody } from "../wire/openai-completion.ts";
import { attend } from "./attend.ts";
import type { AnswerDeps } from "./attended.ts";
import { chatCompletionsDoc } from "./chat-completions-doc.ts";
import { invalidBody } from "./invalid-body.ts";
import { problemJson, sendProblem } from "./problem.ts";
import { streamAnswer } from "./stream-answer.ts";
import { wholeAnswer } from "./whole-answer.ts";

const streamShape = {
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
};
const streamSchema = z.looseObject(streamShape);

export function addChatCompletions(app: FastifyInstance, deps: AnswerDeps): void {
  app.post("/v1/chat/completions", { config: { doc: chatCompletionsDoc } }, async (request, reply) => {
    const asked = readAsked(request.body);
    if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
    const { body, isStreamed, includeUsage } = asked.value;
    const attended = await attend(deps, request, reply, body);
    if (!attended.ok) return sendProblem(reply, attended.problem);
    const { id, createdSeconds } = attended;
    if (!isStreamed) {
      return wholeAnswer(attended, reply, (result, usage) => openaiBody({ id, createdSeconds, result, usage }));
    }
    const chunks = openChunks({ id, createdSeconds, model: body.model, includeUsage });
    return streamAnswer(attended, reply, {
      delta: (delta) => chunks.delta(delta).map((data) => ({ data })),
      finish: (result, usage) => [...chunks.finish(result, usage).map((data) => ({ data })), { data: "[DONE]" }],
      problem: (problem) => [{ data: problemJson(problem) }],
    });
  });
}

interface Asked {
  readonly body: ChatBody;
  readonly isStreamed: boolean;
  readonly includeUsage: boolean;
}

function readAsked(value: unknown): Read<Asked> {
  const given = readDocument(streamSchema, value);
  if (!given.ok) return given;
  const { stream, stream_options: options, ...rest } = given.value;
  const chat = readOpenaiChat(rest, "", "default");
  if (!chat.ok) return chat;
  const isStreamed = stream === true;
  return {
    ok: true,
    value: {
      body: isStreamed ? { ...chat.value, stream: true } : chat.value,
      isStreamed,
      includeUsage: options?.include_usage === true,
    },
  };
}
