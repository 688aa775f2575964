/** What errors at Vertex mean: Google's own, those of Anthropic's models there, and those of the credential. */
import { z } from "zod";
import type { Failure } from "../../../request/failure.ts";
import { known } from "../../../runtime/known.ts";
import type { ErrorAnswer } from "../../error-answer.ts";
import type { ErrorKnowledge } from "../../failing.ts";
import { transportFailure } from "../../transport-failure.ts";
import { classify as classifyAnthropic } from "../anthropic/errors.ts";
import { classify as classifyGemini } from "../gemini/errors.ts";

/** An answer that is an error, thrown by what sends. */
export class RefusedAnswer extends Error {
  override readonly name = "RefusedAnswer";
  readonly answer: ErrorAnswer;
  constructor(answer: ErrorAnswer) {
    super("the provider refused");
    this.answer = answer;
  }
}

/** There is no token to call with. */
export class NoToken extends Error {
  override readonly name = "NoToken";
}

const anthropicError = z.object({ error: z.object({ type: z.string() }) });

/** Pure; `nowMs` turns a date in `retry-after` into a wait. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  if (anthropicError.safeParse(answer.body).success) {
    const failure = classifyAnthropic(answer, nowMs);
    // Here the spending is Google's to limit: a 429 of the model says nothing of credit.
    return failure.code === "rate_limit_error" && failure.kind === "quotaHard" ? { ...failure, kind: "rate" } : failure;
  }
  const failure = classifyGemini(answer, nowMs);
  // Shared capacity is no quota: there is none that one could keep to [D].
  const isShared = failure.status === 429 && /resource exhausted[.,] please try again later/i.test(failure.message);
  return isShared ? { ...failure, kind: "capacity" } : failure;
}

export const errors: ErrorKnowledge = {
  classify,
  sideOf: (headers) => ({ providerRequestId: headers.get("request-id") }),
  unpack(error) {
    if (error instanceof RefusedAnswer) return { answer: error.answer };
    if (error instanceof NoToken) return { failure: tokenFailure(error.cause) };
    return { failure: transportFailure(error) };
  },
};

const tokenErrorSchema = z.object({
  status: z.number().optional().catch(undefined),
  response: z
    .object({
      status: z.number(),
      data: z.object({ error: z.string(), error_description: z.string().optional() }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** A token server that is away is the network's failure; one that refuses, or no credential at all, is the credential's. */
function tokenFailure(cause: unknown): Failure {
  const { response, status = response?.status } = tokenErrorSchema.catch({}).parse(cause);
  if (status !== undefined) {
    const { error = "", error_description: why = "" } = response?.data ?? {};
    const kind = status === 429 || status >= 500 ? "server" : "auth";
    const words = [error, why].filter((word) => word !== "").join(": ");
    return { kind, message: `no access token: HTTP ${status} ${words}`.trim(), ...known({ code: error || undefined }) };
  }
  const transport = transportFailure(cause);
  const isAway = transport.kind === "network" || transport.kind === "timeout";
  if (isAway && !ofCredential.test(transport.message)) {
    return { ...transport, message: `no access token: ${transport.message}` };
  }
  return { kind: "auth", message: "no access token: no credential of Google's can be used" };
}

/** Codes of a file that is not there, and of a key that is none: they say nothing of the network. */
const ofCredential =
  /^(?:ENOENT|ENOTDIR|EISDIR|EACCES|EPERM|ERR_OSSL|ERR_CRYPTO|ERR_INVALID|UNKNOWN_CERTIFICATE_TYPE|MISSING_CREDENTIALS)/;
