/** Every route of OpenAI's that answers at once. */
import type { FastifyInstance } from "fastify";
import type { AnswerDeps } from "./attended.ts";
import { addChatCompletions } from "./chat-completions.ts";
import { addResponses } from "./responses.ts";

export function addOpenai(app: FastifyInstance, deps: AnswerDeps): void {
  addChatCompletions(app, deps);
  addResponses(app, deps);
}
