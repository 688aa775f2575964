import { uniformAt } from "./digest.ts";
import { type Distribution, valueAt } from "./distribution.ts";
import { sample } from "./sample.ts";
import { firstTokens, longestAnswerTokens, prose, tokensIn } from "./text.ts";
import { callsFor, type DraftCall } from "./tool-draft.ts";
import { vectorsOf } from "./vectors.ts";
import type { Wish } from "./wish.ts";

/** What a caller wants, in no vendor's words. */
export interface Ask {
  readonly model: string;
  /** System prompt and messages in order: what input tokens, hashes and fault rules look at. */
  readonly text: string;
  readonly maxOutputTokens: number | undefined;
  readonly stop: readonly string[];
  readonly stream: boolean;
  /** Whether a streamed answer ends with its usage. */
  readonly usageInStream: boolean;
  /** Tools and form of the answer; absent: prose. */
  readonly wish?: Wish;
}

/** What a model would say, and why it stops. */
export interface Draft {
  readonly text: string;
  readonly outputTokens: number;
  readonly finish: Finish;
  /** Tools that are called in the place of text. */
  readonly calls?: readonly DraftCall[];
  /** One for each text that was sent. */
  readonly vectors?: readonly (readonly number[])[];
  /** Vectors go out as base64. */
  readonly packed?: boolean;
}

export type Finish =
  | { readonly reason: "end" }
  | { readonly reason: "length" }
  | { readonly reason: "tool-calls" }
  /** The vendor withholds the answer. */
  | { readonly reason: "filtered" }
  | { readonly reason: "stop-sequence"; readonly sequence: string };

/** A draft with everything a wire needs to send it. */
export interface Answer extends Draft {
  /** Unique in this simulator; each wire adds its own prefix. */
  readonly id: string;
  readonly model: string;
  readonly createdMs: number;
  /** As reported, which a fault may have falsified; absent when a fault withholds it. */
  readonly usage: ReportedUsage | undefined;
  readonly usageInStream: boolean;
}

export interface ReportedUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * The same ask and digest always get the same draft: vectors or calls of tools where they are asked for (tool-draft.ts), else JSON where that is asked
 * for, else prose. The first stop sequence in the prose ends it and is not part of it.
 */
export function draftFor(ask: Ask, textDigest: number, lengths: Distribution): Draft {
  const embed = ask.wish?.embed;
  if (embed !== undefined) {
    return { text: "", outputTokens: 0, vectors: vectorsOf(embed), packed: embed.packed, finish: { reason: "end" } };
  }
  const calls = ask.wish === undefined ? [] : callsFor(ask.wish, ask.text, textDigest);
  if (calls.length > 0) {
    const outputTokens = calls.reduce((sum, { name, input }) => sum + tokensIn(name) + tokensIn(input), 0);
    return { text: "", outputTokens, calls, finish: { reason: "tool-calls" } };
  }
  return ask.wish?.json === undefined
    ? proseFor(ask, textDigest, lengths)
    : jsonFor(ask, JSON.stringify(sample(ask.wish.json.schema, textDigest)));
}

function jsonFor({ maxOutputTokens }: Ask, json: string): Draft {
  const outputTokens = Math.min(tokensIn(json), maxOutputTokens ?? longestAnswerTokens);
  return outputTokens < tokensIn(json)
    ? { text: firstTokens(json, outputTokens), outputTokens, finish: { reason: "length" } }
    : { text: json, outputTokens, finish: { reason: "end" } };
}

function proseFor(ask: Ask, textDigest: number, lengths: Distribution): Draft {
  const wanted = Math.round(valueAt(lengths, uniformAt(textDigest, 1)));
  const drawn = Math.min(Math.max(1, wanted), longestAnswerTokens);
  const allowed = Math.min(drawn, ask.maxOutputTokens ?? drawn);
  const text = prose(textDigest, allowed);
  const stop = firstStop(text, ask.stop);
  if (stop !== undefined) {
    const kept = text.slice(0, stop.at);
    return { text: kept, outputTokens: tokensIn(kept), finish: { reason: "stop-sequence", sequence: stop.sequence } };
  }
  return allowed < drawn
    ? { text, outputTokens: allowed, finish: { reason: "length" } }
    : { text: `${text.slice(0, -1)}.`, outputTokens: drawn, finish: { reason: "end" } };
}

/** The length that a prompt orders for its answer with `[output 211]`, in tokens; the first such order counts. */
export function orderedTokens(text: string): number | undefined {
  const [, digits] = /\[output (\d{1,9})\]/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function firstStop(text: string, sequences: readonly string[]) {
  let first: { at: number; sequence: string } | undefined;
  for (const sequence of sequences) {
    const at = sequence === "" ? -1 : text.indexOf(sequence);
    if (at !== -1 && (first === undefined || at < first.at)) first = { at, sequence };
  }
  return first;
}

/** A text in pieces of so many tokens, with a seam after `seamTokens`. */
export function piecesOf(text: string, pieceTokens: number, seamTokens: number): readonly string[] {
  const seam = firstTokens(text, seamTokens).length;
  const step = firstTokens(text, pieceTokens).length;
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const to = from < seam ? Math.min(from + step, seam) : from + step;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
