import { expect, it } from "vitest";
import { z } from "zod";
import { read } from "../../../producers/wire/complaint.ts";
import { schemaProblem } from "../../../src/runtime/json-schema.ts";

const nested = (levels: number): unknown => {
  let value: unknown = "end";
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
};

it("JSON that nests without end is refused in words, and what people write is not", () => {
  expect(read(z.json(), nested(150))).toMatchObject({ ok: true });
  const refused = read(z.json(), nested(100_000), "body");
  expect(refused).toEqual({ ok: false, reason: "body is nested more than 200 levels deep" });
});

it("a schema that nests without end is a problem, not a crash", () => {
  const schema = { properties: nested(100_000) };
  expect(schemaProblem(schema)).toEqual(expect.any(String));
});
