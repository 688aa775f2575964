/**
 * One vendor's wire, as pure functions over texts and values: what a request asks for, and how an answer, a refusal and a
 * list of models look. The rest of the simulator knows no vendor.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { LimitReadings } from "./allowance.ts";
import type { Answer, Ask } from "./answer.ts";
import type { Refusal } from "./refusal.ts";
import type { DraftCall } from "./tool-draft.ts";
import type { Vendor } from "./vendor.ts";

export interface Wire {
  readonly vendor: Vendor;
  keyOf(arrival: Arrival): string | undefined;
  /** What a parsed JSON body asks for, or why it is refused. */
  read(body: unknown, arrival: Arrival): Reading;
  /** Headers of every answer to a call, refusals too. */
  headers(context: AnswerContext): Record<string, string>;
  refuse(refusal: Refusal, context: AnswerContext): Page;
  /** The body of a whole answer. */
  whole(answer: Answer): string;
  /** The events of a streamed answer, framed and ready to send. */
  opening(answer: Answer): string;
  piece(answer: Answer, text: string): string;
  /** The events of one call of a tool, in order; `index` is its place among the answer's calls. */
  call(answer: Answer, call: DraftCall, index: number): readonly string[];
  closing(answer: Answer): string;
  /** An event whose JSON breaks off. */
  brokenPiece(answer: Answer): string;
  /** A whole answer that holds nothing; undefined where the vendor has no list that can be empty. */
  empty?(answer: Answer): string;
  /** An error in the midst of a stream; the stream ends after it. */
  errorEvent(answer: Answer): string;
  models(names: readonly string[]): string;
}

/** A call as it came in, with its body still unread. */
export interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Where the path says them (Gemini). */
  readonly model?: string;
  readonly stream?: boolean;
}

export type Reading = { readonly ok: true; readonly ask: Ask } | { readonly ok: false; readonly refusal: Refusal };

export interface AnswerContext {
  readonly requestId: string;
  readonly model: string | undefined;
  /** What is left of each limit; empty where nothing is limited. */
  readonly limits: LimitReadings;
  readonly nowMs: number;
  /** Time spent before the first byte, in milliseconds. */
  readonly processingMs: number;
}

export interface Page {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export const json = "application/json";
export const eventStream = "text/event-stream; charset=utf-8";
