/**
 * Texts to vectors with InvokeModel, whose body is each family's own. Titan takes one text in a request: more would be more
 * requests than there is leave for. Cohere takes several, and tells its tokens in a header that the SDK keeps to itself.
 */
import { z } from "zod";
import type { EmbeddingBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { known } from "../../../runtime/known.ts";
import { answered } from "../../call-outcome.ts";
import { jsonOrText } from "../../error-answer.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf } from "../../sdk-answer.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";
import type { Opened } from "./client.ts";
import { correlating } from "./correlation.ts";

export async function embed(
  open: () => Promise<Opened>,
  input: CallInput<EmbeddingBody>,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const wish = wireBody(input);
  if (typeof wish === "string") return fail.because({ kind: "client", message: wish, code: "unsupported" });
  if (io.signal.aborted) return fail.because({ kind: "network", message: "not sent" });
  const answer = await answerOf(async () => {
    const { sdk, client } = await open();
    const body = JSON.stringify({ ...wish, ...input.body.providerOptions?.["bedrock"] });
    const command = new sdk.InvokeModelCommand({ modelId: input.model, contentType: "application/json", body });
    if (input.correlation !== undefined) command.middlewareStack.add(correlating(input.correlation), { step: "build" });
    return client.send(command, { abortSignal: io.signal });
  });
  if (!answer.ok) return fail.thrown(answer.error);
  const side = { providerRequestId: answer.value.$metadata.requestId };
  const read = answerSchema.safeParse(jsonOrText(new TextDecoder().decode(answer.value.body)));
  const embeddings = vectorsOf(read.data);
  if (embeddings?.length !== input.body.input.length) {
    return fail.because({ kind: "server", message: "the answer has not one vector for each text" }, side);
  }
  const usage = usageOf({ inputTokens: read.data?.inputTextTokenCount });
  return answered({ text: "", embeddings }, { unified: "stop", raw: "" }, usage, side);
}

/** A reason not to ask is words. */
function wireBody({ model, body }: CallInput<EmbeddingBody>): object | string {
  const { input, dimensions } = body;
  if (/cohere\.embed-/.test(model)) {
    return { texts: input, input_type: "search_document", ...known({ output_dimension: dimensions }) };
  }
  const [inputText, ...more] = input;
  if (more.length > 0) return "Bedrock's Titan takes one text in a request: send a request for each";
  return { inputText, ...known({ dimensions }) };
}

const vector = z.array(z.number()).min(1);
const answerSchema = z.object({
  embedding: vector.optional(),
  embeddings: z.union([z.array(vector), z.object({ float: z.array(vector) })]).optional(),
  inputTextTokenCount: tokenCount,
});

function vectorsOf(answer: z.infer<typeof answerSchema> | undefined): readonly (readonly number[])[] | undefined {
  if (answer?.embedding !== undefined) return [answer.embedding];
  return answer?.embeddings === undefined || Array.isArray(answer.embeddings)
    ? answer?.embeddings
    : answer.embeddings.float;
}
