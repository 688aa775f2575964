/** Every route of OpenAI's that answers at once. */
import type { FastifyInstance } from "fastify";
import type { AnswerDeps } from "./attended.ts";
import { addChatCompletions } from "./chat-completions.ts";
import { addEmbeddings } from "./embeddings.ts";
import { addModels } from "./models.ts";
import { addResponses } from "./responses.ts";
import { addSpeech } from "./speech.ts";
import { addTranscriptions } from "./transcriptions.ts";

export function addOpenai(app: FastifyInstance, deps: AnswerDeps): void {
  addChatCompletions(app, deps);
  addResponses(app, deps);
  addEmbeddings(app, deps);
  addModels(app, deps);
  addTranscriptions(app, deps);
  addSpeech(app, deps);
}
