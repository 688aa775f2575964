import { expect, it } from "vitest";
import { readOrders } from "../../../producers/http/orders.ts";
import { readLine } from "../../../producers/jsonl/line.ts";
import { readToolCalls } from "../../../producers/wire/tool-calls.ts";
import { schemaProblem } from "../../../src/runtime/json-schema.ts";

const nested = (levels: number): unknown => {
  let value: unknown = "end";
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
};

it("JSON that nests without end is refused in words, and what people write is not", () => {
  const defaults = { tenant: "t", idempotencyKey: undefined, traceparent: undefined, replyWanted: false };
  const order = (levels: number) => ({ prompt: "p", provider_options: { openai: { a: nested(levels) } } });
  expect(readOrders(order(150), defaults)).toMatchObject({ ok: true });
  expect(readOrders(order(20_000), defaults)).toMatchObject({
    ok: false,
    problem: { status: 400, message: "the body is nested more than 200 levels deep" },
  });
  const text = `{"prompt": ${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
  const line = readLine({ no: 1, readable: true, text, ended: true }, { model: undefined, priority: "bulk" });
  expect(line).toEqual({ ok: false, reason: "is nested more than 200 levels deep" });
});

it("arguments of a tool call, which are JSON in a text, are no way around that", () => {
  const call = (levels: number) => ({
    id: "c",
    function: { name: "f", arguments: "[".repeat(levels) + "]".repeat(levels) },
  });
  expect(readToolCalls([call(100)], "tool_calls")).toMatchObject({ ok: true });
  expect(readToolCalls([call(5_000)], "tool_calls")).toEqual({
    ok: false,
    reason: "tool_calls[0].function.arguments is nested more than 200 levels deep",
  });
});

it("a schema that nests without end is a problem, not a crash", () => {
  const schema = { properties: nested(100_000) };
  expect(schemaProblem(schema)).toEqual(expect.any(String));
});
