import { describe, expect, it } from "vitest";
import { providerEntries } from "../../../src/config/models.ts";
import { enveloped } from "../../../src/provider/adapters/openai/error-envelope.ts";
import { finishOf } from "../../../src/provider/adapters/openai/finish.ts";
import { saidIn, saidSchema } from "../../../src/provider/adapters/openai/said.ts";
import { collectToolCalls, readCalls } from "../../../src/provider/adapters/openai/tool-calls.ts";
import { chatUsage, chatUsageSchema } from "../../../src/provider/adapters/openai/usage.ts";

describe("pieces of tool calls", () => {
  const piece = (index: number | null, args: string, id?: string, name?: string) => ({
    index,
    id,
    function: { name, arguments: args },
  });

  it("are put together by their index, interleaved as they come", () => {
    const calls = collectToolCalls();
    calls.take([piece(0, "", "a", "one"), piece(1, "", "b", "two")]);
    calls.take([piece(1, '{"y":')]);
    calls.take([piece(0, '{"x":1}'), piece(1, "2}")]);
    expect(readCalls(calls.written())).toEqual({
      ok: true,
      parts: [
        { type: "tool-call", id: "a", name: "one", input: { x: 1 } },
        { type: "tool-call", id: "b", name: "two", input: { y: 2 } },
      ],
    });
  });

  it("with another id are another call, though a server says the same index", () => {
    const calls = collectToolCalls();
    calls.take([piece(0, "{}", "a", "one")]);
    const [delta] = calls.take([piece(0, '{"z":1}', "b", "two")]);
    expect(delta).toEqual({ type: "tool-call", index: 1, id: "b", name: "two", input: '{"z":1}' });
    expect(calls.written()).toHaveLength(2);
  });

  it("may say no index, no id, no arguments, or arguments that are JSON already", () => {
    const calls = collectToolCalls();
    calls.take([{ function: { name: "one", arguments: { x: 1 } } }]);
    expect(readCalls(calls.written())).toEqual({
      ok: true,
      parts: [{ type: "tool-call", id: "call_0", name: "one", input: { x: 1 } }],
    });
    const empty = collectToolCalls();
    empty.take([{ id: "a", function: { name: "now" } }]);
    expect(readCalls(empty.written())).toMatchObject({ parts: [{ input: {} }] });
  });

  it.each(['{"x":', "[]", "42", '"text"', "null"])("with %s as arguments can be carried out by nobody", (input) => {
    expect(readCalls([{ id: "a", name: "one", input }])).toMatchObject({ ok: false });
  });
});

describe("what a model said", () => {
  const said = (wire: object) => saidIn(saidSchema.parse(wire));

  it("is read with its reasoning, under either name and in Mistral's list", () => {
    expect(said({ content: "Yes.", reasoning_content: "Hm." })).toMatchObject({ text: "Yes.", reasoning: "Hm." });
    expect(said({ content: "Yes.", reasoning: "Hm." })).toMatchObject({ reasoning: "Hm." });
    const list = [
      { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
      { type: "text", text: "Yes." },
      { type: "reference", reference_ids: [1] },
    ];
    expect(said({ content: list })).toMatchObject({ text: "Yes.", reasoning: "Hm." });
  });

  it("ends as a call where it calls, whatever the word, and as filtered where it refuses", () => {
    expect(finishOf("stop", { refusal: false, calls: true }).unified).toBe("tool-calls");
    expect(finishOf("length", { refusal: false, calls: true }).unified).toBe("length");
    expect(finishOf("stop", { refusal: true, calls: false }).unified).toBe("content-filter");
  });
});

describe("usage", () => {
  const grokUsage = {
    prompt_tokens: 12,
    completion_tokens: 1,
    total_tokens: 399,
    completion_tokens_details: { reasoning_tokens: 386 },
  };

  it("counts reasoning as output where the provider leaves it out", () => {
    const wire = chatUsageSchema.parse(grokUsage);
    expect(chatUsage(wire, { reasoningTokens: "additional" })).toEqual({
      inputTokens: 12,
      outputTokens: 387,
      reasoningTokens: 386,
    });
  });

  it.each([
    [{ prompt_tokens_details: { cached_tokens: 5 } }],
    [{ prompt_cache_hit_tokens: 5 }],
    [{ cached_tokens: 5 }],
  ])("finds cached tokens in %j", (where) => {
    const wire = chatUsageSchema.parse({ prompt_tokens: 9, completion_tokens: 1, ...where });
    expect(chatUsage(wire, { reasoningTokens: "included" })).toMatchObject({ inputTokens: 9, cacheReadTokens: 5 });
  });
});

describe("an error of another's shape", () => {
  it.each([
    ['{"message":"Slow down.","type":"rate","code":"1300"}', { message: "Slow down.", type: "rate", code: "1300" }],
    ['{"error":"No credits.","code":"permission"}', { message: "No credits.", code: "permission" }],
    ['{"detail":"Not found."}', { message: "Not found." }],
    ['{"detail":[{"loc":["body"],"msg":"Field required"}]}', { message: "Field required" }],
    ['{"object":"error","message":"Too long.","code":400}', { message: "Too long.", code: 400 }],
  ])("keeps its words: %s", (wire, error) => {
    expect(JSON.parse(enveloped(wire))).toEqual({ error });
  });

  it("stays as it is where it is OpenAI's, or no object", () => {
    for (const wire of ['{"error":{"message":"x"}}', "<html>", "[1]", '"text"']) expect(enveloped(wire)).toBe(wire);
  });
});

describe("the catalogue", () => {
  it("names no model of one provider by another's name, or the other's could not be asked for", () => {
    const ids = providerEntries.map(({ id }) => `${id}/`);
    const names = providerEntries.flatMap(({ models }) => Object.keys(models));
    expect(names.filter((name) => ids.some((id) => name.startsWith(id)))).toEqual([]);
  });
});
