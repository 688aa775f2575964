import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultMaxOutputTokens, estimateTokens } from "../../../src/admission/estimate.ts";
import { promptBody } from "../../../src/request/body.ts";

describe("the estimate of a body", () => {
  it("takes the caller's output limit, or the default", () => {
    expect(estimateTokens({ ...promptBody("m", "x"), maxOutputTokens: 7 }).output).toBe(7);
    expect(estimateTokens(promptBody("m", "x")).output).toBe(defaultMaxOutputTokens);
  });

  it("counts every text: system, and each part of each message", () => {
    const one = estimateTokens(promptBody("m", "a mill by the river")).input;
    const withSystem = estimateTokens({
      ...promptBody("m", "a mill by the river"),
      system: "Answer in one word.",
    }).input;
    const message = promptBody("m", "a mill by the river").messages[0];
    const twice = message === undefined ? 0 : estimateTokens({ model: "m", messages: [message, message] }).input;
    expect(withSystem).toBeGreaterThan(one);
    expect(twice).toBeGreaterThan(1.8 * one);
  });

  it("is a positive whole number for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { input } = estimateTokens(promptBody("m", text));
        expect(Number.isInteger(input)).toBe(true);
        expect(input).toBeGreaterThan(0);
      }),
    );
  });

  it("is not low for prose: a word is rarely more than one and a half tokens", () => {
    const text = "The miller opens the sluice and the water turns the wheel. ".repeat(50);
    const words = text.trim().split(" ").length;
    expect(estimateTokens(promptBody("m", text)).input).toBeGreaterThan(words);
    expect(estimateTokens(promptBody("m", text)).input).toBeLessThan(2 * words);
  });
});
