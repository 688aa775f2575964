import { z } from "zod";
import type { EmbeddingBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { known } from "../../../runtime/known.ts";
import { answered } from "../../call-outcome.ts";
import type { Failing } from "../../failing.ts";
import type { CallInput, CallIo } from "../../provider.ts";
import { answerOf } from "../../sdk-answer.ts";
import { tokenCount, usageOf } from "../../token-counts.ts";
import { sideOf } from "./failure.ts";
import { type Line, sendOptions } from "./line.ts";

const vectorsSchema = z.object({
  data: z.array(z.object({ index: z.number().int().optional(), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: tokenCount }).nullish().catch(undefined),
});

/** Vectors for texts, as numbers: not every server knows base64. Nothing is put out, so the output is zero tokens. */
export async function callEmbedding(
  { client, dialect, credential }: Line,
  input: CallInput<EmbeddingBody>,
  io: CallIo,
  fail: Failing,
): Promise<CallOutcome> {
  const { input: texts, dimensions, userId, providerOptions } = input.body;
  const body = {
    model: input.model,
    input: texts,
    encoding_format: "float",
    ...known({ dimensions, user: dialect.userId === undefined ? undefined : userId }),
    ...providerOptions?.[dialect.provider],
  };
  const sent = { ...sendOptions(input, credential, io.signal), body };
  const answer = await answerOf(() => client.post<unknown>("/embeddings", sent).withResponse());
  if (!answer.ok) return fail.thrown(answer.error);
  const { data, response } = answer.value;
  const vectors = vectorsSchema.safeParse(data);
  if (!vectors.success) return fail.refused({ status: response.status, body: data, headers: response.headers });
  const inputTokens = vectors.data.usage?.prompt_tokens;
  const usage = usageOf({ inputTokens, outputTokens: inputTokens === undefined ? undefined : 0 });
  const side = { ...sideOf(response.headers), usage };
  const embeddings = inOrder(vectors.data.data, texts.length);
  if (embeddings === undefined) {
    return fail.because(
      { kind: "server", message: `${vectors.data.data.length} vectors for ${texts.length} texts` },
      side,
    );
  }
  return answered({ text: "", embeddings }, { unified: "stop", raw: "" }, usage, side);
}

/** One vector for each text; undefined when one is missing. */
function inOrder(
  data: z.infer<typeof vectorsSchema>["data"],
  count: number,
): readonly (readonly number[])[] | undefined {
  const byIndex = new Map(data.map(({ index, embedding }, at) => [index ?? at, embedding]));
  const ordered = Array.from({ length: count }, (_, at) => byIndex.get(at) ?? []);
  return data.length === count && ordered.every((vector) => vector.length > 0) ? ordered : undefined;
}
