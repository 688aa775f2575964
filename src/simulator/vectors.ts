import { digest, uniformAt } from "./digest.ts";

/** What is to be turned into vectors. */
export interface Texts {
  readonly texts: readonly string[];
  readonly dimensions: number;
  /** As base64 of 32-bit floats in the place of numbers. */
  readonly packed: boolean;
}

/** Length of a vector where nobody says. */
export const usualDimensions = 64;

/** A vector of length 1 for each text, the same for the same text. */
export const vectorsOf = ({ texts, dimensions }: Texts): readonly (readonly number[])[] =>
  texts.map((text) => {
    const seed = digest(text);
    const raw = Array.from({ length: dimensions }, (_, at) => uniformAt(seed, at) * 2 - 1);
    const length = Math.hypot(...raw);
    return raw.map((value) => value / length);
  });
