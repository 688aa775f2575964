/** `POST /v1/embeddings`, as OpenAI's clients call it: most of them ask for vectors as base64 and unpack them. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { EmbeddingBody } from "../../src/request/body.ts";
import { type Read, readDocument } from "../wire/complaint.ts";
import { openaiBody } from "../wire/openai-completion.ts";
import { readOpenaiEmbeddings } from "../wire/openai-embeddings.ts";
import { attend } from "./attend.ts";
import type { AnswerDeps } from "./attended.ts";
import { invalidBody } from "./invalid-body.ts";
import { embeddingsDoc } from "./openai-docs.ts";
import { sendProblem } from "./problem.ts";
import { wholeAnswer } from "./whole-answer.ts";

export function addEmbeddings(app: FastifyInstance, deps: AnswerDeps): void {
  app.post("/v1/embeddings", { config: { doc: embeddingsDoc } }, async (request, reply) => {
    const asked = readAsked(request.body);
    if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
    const { body, isPacked } = asked.value;
    const attended = await attend(deps, request, reply, body);
    if (!attended.ok) return sendProblem(reply, attended.problem);
    const { id, createdSeconds } = attended;
    return wholeAnswer(attended, reply, (result, usage) => openaiBody({ id, createdSeconds, result, usage, isPacked }));
  });
}

interface Asked {
  readonly body: EmbeddingBody;
  readonly isPacked: boolean;
}

const howSchema = z.looseObject({ encoding_format: z.enum(["float", "base64"]).nullish() });

function readAsked(value: unknown): Read<Asked> {
  const given = readDocument(howSchema, value);
  if (!given.ok) return given;
  const { encoding_format: format, ...rest } = given.value;
  const body = readOpenaiEmbeddings(rest, "", "default");
  return body.ok ? { ok: true, value: { body: body.value, isPacked: format === "base64" } } : body;
}
