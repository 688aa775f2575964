/** For providers that send by themselves what the SDK reads. */
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { ErrorAnswer } from "../../error-answer.ts";

/** A client that calls nobody: the SDK's reader of streams still wants one. */
export const streamReader = new Anthropic({ apiKey: "none", maxRetries: 0, logLevel: "off", openTelemetry: false });

/** The error that a stream told, thrown by the SDK's reader; undefined for any other error. */
export const toldInStream = (error: unknown): ErrorAnswer | undefined =>
  error instanceof APIError && error.error !== undefined
    ? { status: error.status, body: error.error, headers: error.headers ?? new Headers() }
    : undefined;
