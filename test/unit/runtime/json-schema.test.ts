import { describe, expect, it } from "vitest";
import { type JsonSchema, schemaMismatch, schemaProblem } from "../../../src/runtime/json-schema.ts";

const person: JsonSchema = {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: "integer", minimum: 0 },
    tags: { type: "array", items: { type: "string" } },
  },
  required: ["name"],
  additionalProperties: false,
};

/** Backtracks for ever on a row of `a` with another end. */
const endless: JsonSchema = { type: "string", pattern: "^(a+)+$" };

describe("a mismatch with a JSON Schema", () => {
  it("is nothing for a value that fits", () => {
    expect(schemaMismatch(person, { name: "Ada", age: 36, tags: ["first"] })).toBeUndefined();
  });

  it("names the first place and the rule it breaks, and none of the value's words", () => {
    const words = schemaMismatch(person, { name: "Ada", tags: ["first", ["swordfish"]] });
    expect(words).toContain("#/tags/1 (type)");
    expect(words).not.toContain("swordfish");
  });

  it("names three places at most, the deepest ones", () => {
    const deep = { a: { b: { c: { d: { e: 1 } } } } };
    const nested = (depth: number): JsonSchema =>
      depth === 0
        ? { type: "string" }
        : { properties: Object.fromEntries([..."abcde"].map((key) => [key, nested(depth - 1)])) };
    const words = schemaMismatch(nested(5), deep) ?? "";
    expect(words.split(", ")).toHaveLength(3);
    expect(words).toContain("#/a/b/c/d/e (type)");
    expect(words).not.toContain("# (properties)");
  });

  it.each([
    ["a required field that is missing", person, {}],
    ["a field that nobody asked for", person, { name: "Ada", more: true }],
    ["a value of another kind", person, []],
    ["a reference to a definition", { $defs: { n: { type: "number" } }, $ref: "#/$defs/n" }, "three"],
    ["none of several forms", { anyOf: [{ type: "number" }, { type: "boolean" }] }, "three"],
    ["a tuple of draft 2020-12", { prefixItems: [{ const: 1 }] }, [2]],
    [
      "definitions in the words of draft 7",
      { definitions: { n: { type: "number" } }, $ref: "#/definitions/n" },
      "three",
    ],
    ["false, which nothing fits", { properties: { x: false } }, { x: 1 }],
  ])("is found for %s", (_, schema, value) => {
    expect(schemaMismatch(schema, value)).toMatch(/^#.* \(\w+\)/);
  });

  it("leaves the schema as it was, which is the caller's", () => {
    const schema = Object.freeze(structuredClone(person));
    schemaMismatch(schema, { name: 1 });
    expect(schema).toEqual(person);
  });

  it("is broken off where a pattern backtracks for ever", () => {
    expect(() => schemaMismatch(endless, `${"a".repeat(60)}!`)).toThrow(
      expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }),
    );
    expect(schemaMismatch(endless, "aaa")).toBeUndefined();
  });
});

describe("a problem of a JSON Schema", () => {
  it("is nothing for a good one", () => {
    expect(schemaProblem(person)).toBeUndefined();
    expect(schemaProblem({})).toBeUndefined();
    expect(schemaProblem({ $ref: "#/$defs/n", $defs: { n: { type: "number" } } })).toBeUndefined();
    // One that refers to itself is a good one, too.
    expect(schemaProblem({ properties: { next: { $ref: "#" } } })).toBeUndefined();
  });

  it("is a reference that leads nowhere, said with its place", () => {
    const broken = { properties: { a: { $ref: "#/$defs/none" } } };
    expect(schemaProblem(broken)).toBe("#/properties/a: its $ref leads nowhere");
  });

  it("is a reference to another document: nothing is fetched", () => {
    expect(schemaProblem({ $ref: "https://example.com/schema.json" })).toContain("leads nowhere");
  });

  it("is a pattern that is no regular expression, however deep", () => {
    const broken = { properties: { a: { items: { anyOf: [{ pattern: "(" }] } } } };
    expect(schemaProblem(broken)).toBe("#/properties/a/items/anyOf/0: pattern is no regular expression");
  });
});

it("a schema's data is not taken for rules, and names of patternProperties are", () => {
  expect(
    schemaProblem({ const: { pattern: "(" }, enum: [{ pattern: "(" }], default: { pattern: "(" } }),
  ).toBeUndefined();
  expect(schemaProblem({ patternProperties: { "(": {} } })).toBe(
    "#: a name of patternProperties is no regular expression",
  );
});
