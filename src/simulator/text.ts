/** What the simulator says: plain prose about a mill, a token for every four characters, the same for the same request. */
import { digestHex, uniformAt } from "./digest.ts";

const charactersPerToken = 4;

/** Tokens of a text; never zero, as no provider reports zero for a prompt or an answer. */
export const tokensIn = (text: string): number => Math.max(1, Math.ceil(text.length / charactersPerToken));

/** The first so many tokens of a text. */
export const firstTokens = (text: string, tokens: number): string => text.slice(0, tokens * charactersPerToken);

/** The longest answer; a drawn length is cut to it. */
export const longestAnswerTokens = 16_384;

/**
 * Prose of exactly that many tokens, up to the longest answer. It opens with the digest of the request's text, so that an answer can be matched
 * with its request, and goes on from a sentence that the digest chooses.
 */
export function prose(textDigest: number, tokens: number): string {
  book ??= writeBook();
  const start = book.sentences[Math.floor(uniformAt(textDigest, 0) * book.sentences.length)] ?? 0;
  const rest = book.text.slice(start, start + tokens * charactersPerToken);
  return firstTokens(`Re ${digestHex(textDigest)}: ${rest}`, tokens);
}

interface Book {
  readonly text: string;
  /** Where sentences begin, in the first half only: an answer never runs out of book. */
  readonly sentences: readonly number[];
}

let book: Book | undefined;

function writeBook(): Book {
  const length = 2 * longestAnswerTokens * charactersPerToken;
  const sentences: number[] = [];
  let text = "";
  for (let place = 0; text.length < length; ) {
    if (text.length < length / 2) sentences.push(text.length);
    const count = 6 + Math.floor(uniformAt(1, place++) * 8);
    const chosen = Array.from({ length: count }, () => words[Math.floor(uniformAt(1, place++) * words.length)] ?? "");
    const sentence = chosen.join(" ");
    text += `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}. `;
  }
  return { text, sentences };
}

const words = (
  "the water runs over a wheel and turns slow stone into fine flour while every sack waits its turn at the door " +
  "of this old mill where no grain is lost nor counted twice because one miller keeps a plain book of what came in " +
  "what went out and who has paid for it before night falls on the race below"
).split(" ");
