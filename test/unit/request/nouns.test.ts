import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodySchema, promptBody } from "../../../src/request/body.ts";
import { failureKinds } from "../../../src/request/failure.ts";
import { priorities, priorityName, priorityNames } from "../../../src/request/priority.ts";
import { resultSchema } from "../../../src/request/result.ts";
import { isUsageKnown } from "../../../src/request/usage.ts";

describe("a body", () => {
  it("is valid when it is made of any prompt", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => bodySchema.safeParse(promptBody("m", text)).success),
    );
  });

  it.each([
    ["a model", { messages: [] }],
    ["at least one message", { model: "m", messages: [] }],
    ["no unknown field", { ...promptBody("m", "x"), tools: [] }],
    ["a known role", { model: "m", messages: [{ role: "system", content: [{ type: "text", text: "x" }] }] }],
    ["a temperature of at most 2", { ...promptBody("m", "x"), temperature: 2.1 }],
    ["a whole number of output tokens", { ...promptBody("m", "x"), maxOutputTokens: 1.5 }],
    ["a top p above 0", { ...promptBody("m", "x"), topP: 0 }],
  ])("needs %s", (_rule, body) => {
    expect(bodySchema.safeParse(body).success).toBe(false);
  });
});

describe("a result", () => {
  it("of an older or newer version still parses", () => {
    const stored = {
      text: "4",
      finish: { unified: "stop", raw: "end_turn" },
      provider: "anthropic",
      model: "m",
      deployment: "anthropic/m",
    };
    expect(resultSchema.parse({ ...stored, later: true })).toEqual(stored);
  });
});

describe("priorities", () => {
  it("are never 0, which BullMQ serves before all others, and interactive goes first", () => {
    expect(priorities).toEqual({ interactive: 1, standard: 2, bulk: 3 });
  });

  it("are named back from their number", () => {
    for (const name of priorityNames) expect(priorityName(priorities[name])).toBe(name);
  });
});

describe("usage", () => {
  it("is known only when both sides are, and zero is known", () => {
    expect(isUsageKnown({ inputTokens: 0, outputTokens: 0 })).toBe(true);
    expect(isUsageKnown({ inputTokens: 3 })).toBe(false);
    expect(isUsageKnown({ outputTokens: 3 })).toBe(false);
    expect(isUsageKnown({})).toBe(false);
  });
});

it("the list of failure kinds has no kind twice", () => {
  expect(new Set(failureKinds).size).toBe(failureKinds.length);
});
