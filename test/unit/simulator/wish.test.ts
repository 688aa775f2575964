import { describe, expect, test } from "vitest";
import { schemaMismatch } from "../../../src/runtime/json-schema.ts";
import { type Ask, draftFor } from "../../../src/simulator/answer.ts";
import { digest } from "../../../src/simulator/digest.ts";
import { sample } from "../../../src/simulator/sample.ts";
import { callsFor } from "../../../src/simulator/tool-draft.ts";
import { vectorsOf } from "../../../src/simulator/vectors.ts";
import { noWish, type Wish } from "../../../src/simulator/wish.ts";

const weather = {
  name: "weather",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const clock = { name: "clock", schema: { type: "object" } };
const wish = (more: Partial<Wish> = {}): Wish => ({ ...noWish, tools: [weather, clock], ...more });
const calls = (text: string, more: Partial<Wish> = {}) => callsFor(wish(more), text, 7);

describe("a prompt", () => {
  test("orders calls of tools with marks, in order, with JSON of any depth", () => {
    expect(calls('a [tool weather {"city":"Bern","l":[{"x":"}]"}]}] b [tool clock {}]')).toEqual([
      { name: "weather", input: '{"city":"Bern","l":[{"x":"}]"}]}' },
      { name: "clock", input: "{}" },
    ]);
  });

  test("gets a sample of the tool's schema where a mark has no JSON", () => {
    const [call] = calls("[tool weather]");
    expect(schemaMismatch(weather.schema, JSON.parse(call?.input ?? ""))).toBeUndefined();
  });

  test.each(["[tool other {}]", "[tool weather {broken]", "[tool weather", "tool weather {}"])(
    "orders nothing with %s",
    (text) => {
      expect(calls(text)).toEqual([]);
    },
  );

  test("orders nothing where no tool is offered, or its result is there already", () => {
    expect(calls("[tool weather {}]", { tools: [] })).toEqual([]);
    expect(calls("[tool weather {}]", { hasResult: true })).toEqual([]);
  });

  test("need not order what the caller demands, and gets one call where no more are allowed", () => {
    expect(calls("Hi.", { must: "some" }).map(({ name }) => name)).toEqual(["weather"]);
    expect(calls("[tool weather {}]", { must: { name: "clock" } }).map(({ name }) => name)).toEqual(["clock"]);
    expect(calls("[tool clock {}] [tool weather {}]", { single: true }).map(({ name }) => name)).toEqual(["clock"]);
  });
});

describe("a sample", () => {
  const mill = {
    type: "object",
    properties: {
      name: { type: "string", minLength: 12 },
      wheels: { type: "integer", minimum: 2, maximum: 3 },
      share: { type: "number" },
      runs: { type: "boolean" },
      kind: { enum: ["water", "wind"] },
      age: { type: ["integer", "null"] },
      stones: { type: "array", minItems: 2, items: { type: "object", properties: { kg: { type: "number" } } } },
      owner: { anyOf: [{ type: "string" }, { type: "null" }] },
      unit: { const: "kg" },
    },
    required: ["name", "wheels", "share", "runs", "kind", "age", "stones", "owner", "unit"],
    additionalProperties: false,
  };

  test("fits its schema, whatever the seed, and is the same for the same seed", () => {
    for (let seed = 0; seed < 50; seed += 1) {
      expect(schemaMismatch(mill, sample(mill, digest(`${seed}`)))).toBeUndefined();
      expect(sample(mill, seed)).toEqual(sample(mill, seed));
    }
  });

  test("reads Gemini's capitals", () => {
    expect(sample({ type: "OBJECT", properties: { n: { type: "INTEGER" } } }, 1)).toEqual({ n: expect.any(Number) });
  });

  test("ends where a schema has no end", () => {
    const endless: { type: string; properties: Record<string, unknown> } = { type: "object", properties: {} };
    endless.properties.again = endless;
    expect(JSON.stringify(sample(endless, 1)).length).toBeLessThan(1_000);
  });
});

describe("a draft", () => {
  const ask: Ask = { model: "m", text: "t", maxOutputTokens: undefined, stop: [], stream: false, usageInStream: false };
  const lengths = { p50: 10, p99: 10 };

  test("of JSON that is longer than allowed is cut", () => {
    const json = { schema: { type: "object", properties: { name: { type: "string", minLength: 90 } } } };
    expect(draftFor({ ...ask, wish: { ...noWish, json } }, 1, lengths).finish).toEqual({ reason: "end" });
    const cut = draftFor({ ...ask, maxOutputTokens: 5, wish: { ...noWish, json } }, 1, lengths);
    expect(cut).toMatchObject({ outputTokens: 5, finish: { reason: "length" } });
  });

  test("of vectors has one of length 1 for each text", () => {
    const vectors = vectorsOf({ texts: ["a", "b", "a"], dimensions: 16, packed: false });
    expect(vectors[0]).toEqual(vectors[2]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
  });
});
