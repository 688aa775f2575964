/**
 * OpenAI: chat completions, the Responses API for what only that can do (openai/response-rule.ts), embeddings, and sound,
 * which goes without the SDK (openai-audio.ts).
 *  - `temperature`, `topP`, `stop` and `seed` go out as given. A model that refuses one, or more than four stop
 *    sequences, answers 400 in its own words; nothing that changes the answer is dropped in silence.
 *  - A refusal is text like any other, with the finish reason `content-filter`.
 *  - The SDK reads OPENAI_ORG_ID and OPENAI_PROJECT_ID itself: a key of several organisations would bill the wrong one.
 */
import type { Body } from "../../request/body.ts";
import { failing } from "../failing.ts";
import { openHttp, unpackFetch } from "../http.ts";
import type { CallIo, Provider } from "../provider.ts";
import { openConnection } from "./openai/connection.ts";
import { bearerKey } from "./openai/credential.ts";
import { openaiDialect } from "./openai/dialect.ts";
import { errors } from "./openai/failure.ts";
import { openClient } from "./openai/line.ts";
import { needsResponses } from "./openai/response-rule.ts";
import { openaiSpeech, openaiTranscription } from "./openai-audio.ts";

export const openai: Provider = {
  id: "openai",
  environment: { apiKey: ["OPENAI_API_KEY"], baseUrl: ["OPENAI_BASE_URL"] },
  operations: ["chat", "embedding", "transcription", "speech"],
  connect({ apiKey, baseUrl = "https://api.openai.com/v1" }) {
    const send = openHttp(baseUrl, { authorization: `Bearer ${apiKey}` });
    const soundErrors = { ...errors, unpack: unpackFetch };
    const fail = (io: CallIo, body: Body) => failing(soundErrors, io.signal, apiKey, body);
    return {
      ...openConnection({
        client: openClient({ baseURL: baseUrl, ownAccount: true }),
        dialect: openaiDialect,
        credentials: bearerKey(apiKey),
        responds: needsResponses,
        embeds: true,
      }),
      transcription: (input, io) => openaiTranscription(send, input, io, fail(io, input.body)),
      speech: (input, io) => openaiSpeech(send, input, io, fail(io, input.body)),
    };
  },
};
