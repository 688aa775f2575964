/** Texts to vectors at Google's API: one request to batchEmbedContents, which takes up to 100 texts. */
import { z } from "zod";
import type { EmbeddingBody } from "../../../request/body.ts";
import type { CallOutcome } from "../../../request/outcome.ts";
import { known } from "../../../runtime/known.ts";
import { answered } from "../../call-outcome.ts";
import type { Failing } from "../../failing.ts";
import { merged } from "./request.ts";
import { inputTokens, usageSchema } from "./usage.ts";

/** The caller's own fields, such as `taskType`, stand in the request of each text. */
export const embeddingRequests = ({ input, dimensions, providerOptions }: EmbeddingBody, provider: string) =>
  input.map((text) => ({
    content: { role: "user", parts: [{ text }] },
    ...merged(known({ outputDimensionality: dimensions }), providerOptions?.[provider] ?? {}),
  }));

const embeddingsSchema = z.object({
  embeddings: z.array(z.object({ values: z.array(z.number()).min(1) })),
  usageMetadata: usageSchema,
});

export function embedded(body: unknown, asked: number, fail: Failing): CallOutcome {
  const answer = embeddingsSchema.safeParse(body);
  if (!answer.success || answer.data.embeddings.length !== asked) {
    return fail.refused({ status: 200, body, headers: new Headers() });
  }
  const embeddings = answer.data.embeddings.map(({ values }) => values);
  return answered({ text: "", embeddings }, { unified: "stop", raw: "" }, inputTokens(answer.data.usageMetadata), {});
}
