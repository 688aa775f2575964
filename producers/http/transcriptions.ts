/** `POST /v1/audio/transcriptions`, as OpenAI's clients call it: a form with the sound in it. */
import type { FastifyInstance } from "fastify";
import { transcriptAs } from "../wire/openai-transcript.ts";
import { readOpenaiTranscription } from "../wire/openai-transcription.ts";
import { attend } from "./attend.ts";
import type { AnswerDeps } from "./attended.ts";
import { type FormFile, readForm, takeForms } from "./form.ts";
import { invalidBody } from "./invalid-body.ts";
import { transcriptionsDoc } from "./openai-docs.ts";
import { type Problem, sendProblem } from "./problem.ts";
import { wholeAnswer } from "./whole-answer.ts";

export function addTranscriptions(app: FastifyInstance, deps: AnswerDeps): void {
  void app.register(async (scope) => {
    await takeForms(scope);
    scope.post("/v1/audio/transcriptions", { config: { doc: transcriptionsDoc } }, async (request, reply) => {
      const read = await readForm(request);
      if (!read.ok) return sendProblem(reply, read.problem);
      const { fields, file } = read.form;
      if (file === undefined || file.data.byteLength === 0) return sendProblem(reply, noFile);
      const asked = readOpenaiTranscription(fields, sourceOf(file));
      if (!asked.ok) return sendProblem(reply, invalidBody(asked.reason));
      const { body, format } = asked.value;
      const attended = await attend(deps, request, reply, body);
      if (!attended.ok) return sendProblem(reply, attended.problem);
      return wholeAnswer(attended, reply, (result, usage) => {
        const made = transcriptAs(format, result, usage);
        if (made === undefined) return sendProblem(reply, noTimes(format, result.model));
        return reply.header("content-type", made.mediaType).send(made.text);
      });
    });
  });
}

const sourceOf = ({ data, name, mediaType }: FormFile) => ({
  data: data.toString("base64"),
  mediaType: soundTypes.get(endingOf(name)) ?? mediaType,
});

const endingOf = (name: string): string => /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/** Clients send most files as bytes of no kind; OpenAI goes by the ending too. */
const soundTypes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    flac: "audio/flac",
    m4a: "audio/mp4",
    mp3: "audio/mpeg",
    mp4: "audio/mp4",
    mpeg: "audio/mpeg",
    mpga: "audio/mpeg",
    oga: "audio/ogg",
    ogg: "audio/ogg",
    opus: "audio/ogg",
    wav: "audio/wav",
    webm: "audio/webm",
  }),
);

const noFile: Problem = {
  status: 400,
  type: "invalid_request_error",
  code: "invalid_request",
  message: "file is missing, or empty",
  param: "file",
};

const noTimes = (format: string, model: string): Problem => ({
  status: 400,
  type: "invalid_request_error",
  code: "no_times",
  message: `${model} gives no times, which ${format} needs; ask for json or text, or another model.`,
  param: "response_format",
});
