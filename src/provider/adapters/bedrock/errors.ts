/** What AWS' errors mean, by the names of their exceptions; the SDK throws them, in a stream too. */
import { z } from "zod";
import type { Failure, FailureKind } from "../../../request/failure.ts";
import { known } from "../../../runtime/known.ts";
import { bareMessage, type ErrorAnswer, kindOfStatus } from "../../error-answer.ts";
import type { ErrorKnowledge } from "../../failing.ts";
import { failureMessage } from "../../failure-message.ts";
import { retryAfterMs } from "../../retry-after.ts";
import { transportFailure } from "../../transport-failure.ts";

/** `secrets`: all parts of the credential. */
export function errorsOf(secrets: readonly string[]): ErrorKnowledge {
  const masked = (failure: Failure): Failure => ({ ...failure, message: withoutSecrets(failure.message, secrets) });
  return {
    classify: (answer, nowMs) => masked(classify(answer, nowMs)),
    sideOf: (headers) => ({ providerRequestId: headers.get("x-amzn-requestid") }),
    unpack(error) {
      const found = unpack(error);
      return "failure" in found ? { failure: masked(found.failure) } : found;
    },
  };
}

const withoutSecrets = (message: string, secrets: readonly string[]): string =>
  // A refused signature is explained with what was signed, the session token among it.
  secrets.reduce(
    (words, secret) => failureMessage(words, { apiKey: secret, prompt: [] }),
    message.replace(/\s*The Canonical String[\s\S]*/, ""),
  );

const thrownSchema = z.object({
  name: z.string(),
  message: z.string(),
  $fault: z.string().optional(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional().catch(undefined),
  $response: z
    .object({ statusCode: z.number(), headers: z.record(z.string(), z.string()).catch({}) })
    .optional()
    .catch(undefined),
  originalMessage: z.string().optional().catch(undefined),
});

function unpack(error: unknown): ReturnType<ErrorKnowledge["unpack"]> {
  const read = thrownSchema.safeParse(error);
  if (!read.success) return { failure: transportFailure(error) };
  const { name, message, $fault, $metadata, $response, originalMessage } = read.data;
  const status = $response?.statusCode ?? $metadata?.httpStatusCode;
  const headers = new Headers($response?.headers);
  if ($fault !== undefined) {
    // What is no exception of AWS' has a name of the SDK's making and no words.
    const isNamed = name !== "" && name !== "UnknownError" && name !== "Unknown";
    const words = message !== "" && message !== "UnknownError" ? message : originalMessage;
    return { answer: { status, body: isNamed ? known({ name, message: words }) : (words ?? ""), headers } };
  }
  // Its body was no JSON, and the SDK keeps it to itself.
  if (status !== undefined && status >= 400) return { answer: { status, body: "", headers } };
  if (/credential|token/i.test(name)) return { failure: { kind: "auth", message, code: name } };
  if (message === "Region is missing") return { failure: { kind: "auth", message: "no region is set: AWS_REGION" } };
  if (/truncated event message/i.test(message)) return { failure: { kind: "stream", message: "the stream was cut" } };
  return { failure: transportFailure(error) };
}

const bodySchema = z.object({ name: z.string(), message: z.string().optional() });

/** What an answer of AWS' means. Pure. */
export function classify(answer: ErrorAnswer, nowMs: number): Failure {
  const { name, message } = bodySchema.safeParse(answer.body).data ?? {};
  // In a stream the names begin small.
  const code = name === undefined ? undefined : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return {
    kind: kindOf(answer.status, code ?? "", message ?? ""),
    message: message ?? (code === undefined ? bareMessage(answer) : code),
    ...known({ status: answer.status, code, retryAfterMs: retryAfterMs(answer.headers, nowMs) }),
  };
}

function kindOf(status: number | undefined, code: string, words: string): FailureKind {
  if (code === "ThrottlingException" || code === "TooManyRequestsException") {
    if (/per day|daily/i.test(words)) return "quotaDay";
    return /concurren/i.test(words) ? "concurrency" : "rate";
  }
  return kinds.get(code) ?? kindOfStatus(status);
}

/** `ServiceQuotaExceeded` is a quota of the account's that only AWS raises [D]. */
const kinds: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries({
    ServiceQuotaExceededException: "quotaHard",
    ModelNotReadyException: "capacity",
    ServiceUnavailableException: "capacity",
    InternalServerException: "server",
    InternalFailure: "server",
    ModelErrorException: "server",
    ModelStreamErrorException: "server",
    ModelTimeoutException: "timeout",
    ValidationException: "client",
    ResourceNotFoundException: "client",
    ConflictException: "client",
    AccessDeniedException: "auth",
    UnrecognizedClientException: "auth",
    ExpiredTokenException: "auth",
    ExpiredToken: "auth",
    InvalidSignatureException: "auth",
    IncompleteSignatureException: "auth",
    MissingAuthenticationTokenException: "auth",
  }),
);
