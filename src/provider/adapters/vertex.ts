/**
 * Vertex AI: Gemini and Claude on Google Cloud, each in its own wire (`gemini/`, `anthropic/`), over fetch.
 *  - The credential is a file that GOOGLE_APPLICATION_CREDENTIALS names. Where there is none but a project, Google's own
 *    order holds: gcloud's file, then the metadata server. Its token is fetched before a call that needs a new one: a
 *    request to another host, which is no call of a model.
 *  - A model whose name begins with `claude-` is Anthropic's; every other one is Google's.
 *  - No header says anything about limits.
 */
import type { EmbeddingBody } from "../../request/body.ts";
import type { CallOutcome } from "../../request/outcome.ts";
import { jsonOrText } from "../error-answer.ts";
import type { CallInput, CallIo, Provider } from "../provider.ts";
import { answerOf } from "../sdk-answer.ts";
import { callMessages } from "./anthropic/call.ts";
import { gathered } from "./gemini/gathering.ts";
import { requestOf } from "./gemini/request.ts";
import { streamedAnswer } from "./gemini/streamed.ts";
import { publisherOf } from "./vertex/address.ts";
import { predicted, predictionBody } from "./vertex/embedding.ts";
import { type Leave, openLine } from "./vertex/line.ts";

const id = "vertex";
/** Claude thinks here too, and cannot read Gemini's seals. */
const thinker = "vertex-gemini";

export const vertex: Provider = {
  id,
  environment: {
    apiKey: ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"],
    baseUrl: ["VERTEX_BASE_URL"],
    more: { project: ["GOOGLE_CLOUD_PROJECT"], location: ["GOOGLE_CLOUD_LOCATION"] },
  },
  operations: ["chat", "embedding"],
  connect(settings) {
    const line = openLine(settings);
    return {
      chat: (input, io) => line.call(input, io, publisherOf(input.model) === "google" ? callGemini : callClaude),
      embedding: (input, io) => line.call(input, io, callEmbedding),
      probe: (io) => line.probe(io),
    };
  },
};

async function callGemini({ fail, post }: Leave, input: CallInput, io: CallIo): Promise<CallOutcome> {
  const request = requestOf(input.body, { provider: id, thinker, model: input.model });
  if (!request.ok) return fail.because({ kind: "client", message: request.message });
  if (!input.stream) {
    const answer = await answerOf(() => whole(post("generateContent", request.body)));
    if (!answer.ok) return fail.thrown(answer.error);
    const { headers, body } = answer.value;
    return gathered({ thinker, fail, onDelta: () => {}, headers }, body);
  }
  return streamedAnswer(() => post("streamGenerateContent?alt=sse", request.body), thinker, io, fail);
}

/** Claude's wire says its version in the body here, and its model in the address. */
function callClaude({ fail, post }: Leave, input: CallInput, io: CallIo): Promise<CallOutcome> {
  const send = ({ model: _, ...body }: Record<string, unknown>, headers: Readonly<Record<string, string>>) =>
    post(
      body.stream === true ? "streamRawPredict" : "rawPredict",
      { anthropic_version: "vertex-2023-10-16", ...body },
      headers,
    );
  return callMessages({ owner: id, send }, input, io, fail);
}

async function callEmbedding({ fail, post }: Leave, { body }: CallInput<EmbeddingBody>): Promise<CallOutcome> {
  const answer = await answerOf(() => whole(post("predict", predictionBody(body, id))));
  return answer.ok ? predicted(answer.value, body.input.length, fail) : fail.thrown(answer.error);
}

async function whole(sent: Promise<Response>) {
  const response = await sent;
  return { status: response.status, headers: response.headers, body: jsonOrText(await response.text()) };
}
