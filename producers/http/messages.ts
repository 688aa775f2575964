/** `POST /v1/messages`, as Anthropic's clients call it: whole or streamed, through the queue. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { estimateTokens } from "../../src/admission/estimate.ts";
import type { ChatBody } from "../../src/request/body.ts";
import { openMessageEvents } from "../wire/anthropic-events.ts";
import { anthropicMessage } from "../wire/anthropic-message.ts";
import { readAnthropicMessages } from "../wire/anthropic-messages.ts";
import type { MessageEvent } from "../wire/anthropic-streamed-blocks.ts";
import { type Read, readDocument } from "../wire/complaint.ts";
import { type AnswerDeps, attend } from "./attend.ts";
import type { ServerEvent } from "./event-writer.ts";
import { invalidBody } from "./invalid-body.ts";
import { messagesDoc } from "./messages-doc.ts";
import { anthropicProblemJson, sendProblem } from "./problem.ts";
import { streamAnswer } from "./stream-answer.ts";
import { wholeAnswer } from "./whole-answer.ts";

const bodySchema = z.looseObject({ stream: z.boolean().nullish() });

export function addMessages(app: FastifyInstance, deps: AnswerDeps): void {
  app.post("/v1/messages", { config: { wire: "anthropic", doc: messagesDoc } }, async (request, reply) => {
    const asked = readMessage(request.body);
    if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
    const body = asked.value;
    const attended = await attend(deps, request, reply, body);
    if (!attended.ok) return sendProblem(reply, attended.problem);
    const { id } = attended;

    if (body.stream === true) {
      const events = openMessageEvents({ id, model: body.model, inputTokens: estimateTokens(body).input });
      return streamAnswer(attended, reply, {
        delta: (delta) => events.delta(delta).map(named),
        finish: (result, usage) => events.finish(result, usage).map(named),
        problem: (problem) => [{ event: "error", data: anthropicProblemJson(problem, id) }],
        ping: { event: "ping", data: { type: "ping" } },
      });
    }
    return wholeAnswer(attended, reply, (result, usage) => anthropicMessage({ id, result, usage }));
  });
}

const named = (event: MessageEvent): ServerEvent => ({ event: event.type, data: event });

/** What both routes of messages take. */
export function readMessage(value: unknown): Read<ChatBody> {
  const given = readDocument(bodySchema, value);
  if (!given.ok) return given;
  const { stream, ...rest } = given.value;
  const chat = readAnthropicMessages(rest, "", "default");
  return chat.ok && stream === true ? { ok: true, value: { ...chat.value, stream } } : chat;
}
