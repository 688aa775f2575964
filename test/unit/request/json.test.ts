import { describe, expect, it } from "vitest";
import { json } from "../../../src/request/json.ts";

describe("any JSON", () => {
  it.each([[null], [true], ["a"], [-1.5], [[]], [{}], [{ a: [1, { b: null }], c: "d" }]])(
    "is taken as it is: %j",
    (value) => {
      const read = json.safeParse(value);
      expect(read.success && read.data).toBe(value);
    },
  );

  const endless: Record<string, unknown> = {};
  endless["self"] = endless;
  it.each([
    ["undefined", undefined],
    ["a number that is none", Number.NaN],
    ["infinity", [Number.POSITIVE_INFINITY]],
    ["a field without a value", { a: undefined }],
    ["a function", { a: () => {} }],
    ["a bigint", [1n]],
    ["a date", { at: new Date(0) }],
    ["a map", new Map()],
    ["a value that holds itself", endless],
  ])("is not %s", (_, value) => {
    expect(json.safeParse(value).success).toBe(false);
  });
});
