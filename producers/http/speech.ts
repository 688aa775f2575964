/** `POST /v1/audio/speech`, as OpenAI's clients call it: bytes of sound as they come, or events with them. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { soundTypes } from "../../src/provider/sound.ts";
import type { Usage } from "../../src/request/usage.ts";
import { type Read, readDocument } from "../wire/complaint.ts";
import { readOpenaiSpeech, type SpeechOrder } from "../wire/openai-speech.ts";
import { attend } from "./attend.ts";
import type { AnswerDeps } from "./attended.ts";
import { invalidBody } from "./invalid-body.ts";
import { speechDoc } from "./openai-docs.ts";
import { sendProblem } from "./problem.ts";
import { type SoundWire, soundAnswer } from "./sound-answer.ts";

export function addSpeech(app: FastifyInstance, deps: AnswerDeps): void {
  app.post("/v1/audio/speech", { config: { doc: speechDoc } }, async (request, reply) => {
    const asked = readAsked(request.body);
    if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
    const { body, isInEvents } = asked.value;
    const attended = await attend(deps, request, reply, body);
    if (!attended.ok) return sendProblem(reply, attended.problem);
    return soundAnswer(deps.fleet.ledger, attended, reply, isInEvents ? inEvents : inBytes(body.format));
  });
}

function readAsked(value: unknown): Read<SpeechOrder> {
  const given = readDocument(z.looseObject({}), value);
  return given.ok ? readOpenaiSpeech(given.value) : given;
}

const inBytes = (format: string | undefined): SoundWire => ({
  // Before the provider has said what it sends; another format is waited for.
  mediaType: soundTypes.get(format ?? ""),
  piece: (data) => data,
  end: () => "",
});

const eventText = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

const inEvents: SoundWire = {
  mediaType: "text/event-stream; charset=utf-8",
  piece: (data) => eventText({ type: "speech.audio.delta", audio: data.toString("base64") }),
  end: (usage) => eventText({ type: "speech.audio.done", ...usageOf(usage) }),
};

function usageOf({ inputTokens, outputTokens }: Usage) {
  if (inputTokens === undefined || outputTokens === undefined) return {};
  const counts = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
  return { usage: counts };
}
