import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Ask, draftFor, orderedTokens, piecesOf } from "../../../src/simulator/answer.ts";
import { digest, digestHex } from "../../../src/simulator/digest.ts";
import { prose, tokensIn } from "../../../src/simulator/text.ts";

const ask: Ask = { model: "m", text: "t", maxOutputTokens: undefined, stop: [], stream: false, usageInStream: false };
const lengths = { p50: 100, p99: 400 };
const digests = fc.string().map((text) => digest(text));
const someTokens = fc.integer({ min: 1, max: 2_000 });

describe("the text of an answer", () => {
  test("has exactly the tokens that are asked for", () => {
    fc.assert(
      fc.property(digests, someTokens, (value, tokens) => {
        expect(tokensIn(prose(value, tokens))).toBe(tokens);
        expect(prose(value, tokens)).toHaveLength(4 * tokens);
      }),
    );
  });

  test("goes on to the longest answer wherever it begins", () => {
    for (const text of ["a", "b", "c", "d"]) expect(prose(digest(text), 16_384)).toHaveLength(65_536);
  });

  test("opens with the digest of the request, so that the two can be matched", () => {
    expect(draftFor(ask, digest("a prompt"), lengths).text).toContain(digestHex(digest("a prompt")));
  });

  test("is whole again when its pieces are joined, with a seam where one is wanted", () => {
    fc.assert(
      fc.property(digests, someTokens, fc.integer({ min: 1, max: 20 }), fc.nat(2_000), (value, tokens, piece, seam) => {
        const text = prose(value, tokens);
        const pieces = piecesOf(text, piece, seam);
        expect(pieces.join("")).toBe(text);
        let read = 0;
        const ends = pieces.map((part) => {
          expect(tokensIn(part)).toBeLessThanOrEqual(piece);
          read += tokensIn(part);
          return read;
        });
        if (seam > 0 && seam < tokens) expect(ends).toContain(seam);
      }),
    );
  });
});

describe("a draft", () => {
  test("is the same for the same request, and its length is drawn from the digest", () => {
    const drafts = ["one", "two", "three", "four"].map((text) => draftFor(ask, digest(text), lengths));
    expect(drafts).toEqual(["one", "two", "three", "four"].map((text) => draftFor(ask, digest(text), lengths)));
    expect(new Set(drafts.map(({ outputTokens }) => outputTokens)).size).toBeGreaterThan(1);
  });

  test("ends by itself, or at the caller's maximum", () => {
    fc.assert(
      fc.property(digests, fc.integer({ min: 1, max: 300 }), (value, maxOutputTokens) => {
        const free = draftFor(ask, value, lengths);
        const bound = draftFor({ ...ask, maxOutputTokens }, value, lengths);
        const isCut = maxOutputTokens < free.outputTokens;
        expect(bound.finish.reason).toBe(isCut ? "length" : "end");
        expect(bound.outputTokens).toBe(Math.min(maxOutputTokens, free.outputTokens));
        expect(free.text.endsWith(".")).toBe(true);
      }),
    );
  });

  test("stops before the first stop sequence that comes, and counts what is left", () => {
    const value = digest("stop me");
    const { text } = draftFor(ask, value, lengths);
    const sequence = text.slice(40, 45);
    const draft = draftFor({ ...ask, stop: ["not in there", "", sequence] }, value, lengths);
    expect(draft).toEqual({
      text: text.slice(0, text.indexOf(sequence)),
      outputTokens: tokensIn(text.slice(0, text.indexOf(sequence))),
      finish: { reason: "stop-sequence", sequence },
    });
  });
});

test.each([
  ["[output 211]", 211],
  ["Tell me of mills. [output 7] [output 9]", 7],
  ["[output 0]", 0],
  ["[output]", undefined],
  ["[output -3] [Output 3] output 3", undefined],
])("%s orders a length of %s", (text, tokens) => {
  expect(orderedTokens(text)).toBe(tokens);
});

test("digests of different texts differ", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      fc.pre(one !== other);
      expect(digest(one)).not.toBe(digest(other));
      expect(digest(one, 1)).not.toBe(digest(one, 2));
    }),
  );
});
