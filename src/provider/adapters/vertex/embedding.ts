/** Texts to vectors at Vertex: one `predict`, an instance for each text; how many it takes depends on the model. */
import { z } from "zod";
import type { EmbeddingBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { known } from "../../../runtime/known.ts";
import { answered } from "../../call-outcome.ts";
import type { ErrorAnswer } from "../../error-answer.ts";
import type { Failing } from "../../failing.ts";
import { tokenCount } from "../../token-counts.ts";
import { merged } from "../gemini/request.ts";

/** A text that is too long is the request's failure, not cut in silence. */
export const predictionBody = ({ input, dimensions, providerOptions }: EmbeddingBody, provider: string) =>
  merged(
    {
      instances: input.map((content) => ({ content })),
      parameters: { autoTruncate: false, ...known({ outputDimensionality: dimensions }) },
    },
    providerOptions?.[provider] ?? {},
  );

const predictionsSchema = z.object({
  predictions: z.array(
    z.object({
      embeddings: z.object({
        values: z.array(z.number()).min(1),
        statistics: z.object({ token_count: tokenCount }).optional().catch(undefined),
      }),
    }),
  ),
});

export function predicted(answer: ErrorAnswer, asked: number, fail: Failing): CallOutcome {
  const read = predictionsSchema.safeParse(answer.body);
  if (!read.success || read.data.predictions.length !== asked) return fail.refused(answer);
  const { predictions } = read.data;
  const counts = predictions.flatMap(({ embeddings }) => embeddings.statistics?.token_count ?? []);
  const inputTokens = counts.length < asked ? undefined : counts.reduce((sum, count) => sum + count, 0);
  const embeddings = predictions.map((prediction) => prediction.embeddings.values);
  const side = fail.sideOf(answer.headers);
  return answered({ text: "", embeddings }, { unified: "stop", raw: "" }, known({ inputTokens }), side);
}
