import type { Body } from "../request/body.ts";
import type { Failure } from "../request/failure.ts";
import type { CallOutcome } from "../request/outcome.ts";
import { failed, type SideReport, secretsOf } from "./call-outcome.ts";
import type { ErrorAnswer } from "./error-answer.ts";
import { interruption } from "./interruption.ts";

/** What an adapter knows about its vendor's errors. */
export interface ErrorKnowledge {
  /** The provider's own words in what the SDK threw, or what kept them from us. */
  unpack(error: unknown): { readonly answer: ErrorAnswer } | { readonly failure: Failure };
  classify(answer: ErrorAnswer, nowMs: number): Failure;
  sideOf(headers: Headers): SideReport;
}

/** The ways in which one call can fail, bound to that call. Each gives the outcome; none throws. */
export interface Failing {
  /** The SDK threw. What the provider said counts more than that we stopped the call meanwhile. */
  thrown(error: unknown, side?: SideReport): CallOutcome;
  /** The provider answered with an error, or with something that is no answer. */
  refused(answer: ErrorAnswer, side?: SideReport): CallOutcome;
  /** Our own finding, unless it only came about because we stopped the call. */
  because(failure: Failure, side?: SideReport): CallOutcome;
  /** What the headers of an answer say. */
  sideOf(headers: Headers): SideReport;
}

export function failing(knowledge: ErrorKnowledge, signal: AbortSignal, apiKey: string, body?: Body): Failing {
  const secrets = secretsOf(apiKey, body);
  const refused: Failing["refused"] = (answer, side) =>
    failed(knowledge.classify(answer, Date.now()), secrets, { ...knowledge.sideOf(answer.headers), ...side });
  const because: Failing["because"] = (failure, side) =>
    failed(signal.aborted ? interruption(signal) : failure, secrets, side);
  return {
    refused,
    because,
    sideOf: knowledge.sideOf,
    thrown(error, side) {
      const found = knowledge.unpack(error);
      return "answer" in found ? refused(found.answer, side) : because(found.failure, side);
    },
  };
}
