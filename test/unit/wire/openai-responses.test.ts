import { describe, expect, it } from "vitest";
import { openResponseEvents } from "../../../producers/wire/openai-response-events.ts";
import { outputItems, requestOfItem } from "../../../producers/wire/openai-response-output.ts";
import { readOpenaiResponses } from "../../../producers/wire/openai-responses.ts";
import type { Delta } from "../../../src/request/delta.ts";
import type { Result } from "../../../src/request/result.ts";
import { eventAgainstOpenai } from "../../support/openai-schema.ts";

const model = "gpt-5-mini";
const id = "01890000-0000-7000-8000-000000000000";
const hex = id.replaceAll("-", "");
const read = (body: object) => readOpenaiResponses({ model, ...body }, "");
const bodyOf = (body: object) => {
  const chat = read(body);
  return chat.ok ? chat.value : expect.unreachable(chat.reason);
};
const parts: Result["parts"] = [
  { type: "reasoning", text: "", signature: "hidden", provider: "openai" },
  { type: "reasoning", text: "Hm.", signature: "seal", provider: "openai" },
  { type: "text", text: "I " },
  { type: "text", text: "look." },
  { type: "tool-call", id: "a", name: "look", input: { at: 1 }, signature: "mark" },
];
const result: Result = {
  text: "I look.",
  parts,
  finish: { unified: "tool-calls", raw: "completed" },
  provider: "openai",
  model,
  deployment: "openai/gpt-5-mini",
};

describe("the body of a response", () => {
  it("is a conversation, with everything else that a chat can say", () => {
    expect(
      bodyOf({
        instructions: "Be brief",
        input: [
          { role: "system", content: "And kind" },
          { role: "user", content: [{ type: "input_text", text: "Look" }] },
        ],
        max_output_tokens: 9,
        temperature: 0.5,
        top_p: 0.5,
        reasoning: { effort: "low", summary: "auto" },
        text: { format: { type: "json_schema", name: "mood", schema: { type: "object" }, strict: true } },
        tools: [{ type: "function", name: "look", parameters: { type: "object" }, strict: true }],
        tool_choice: { type: "function", name: "look" },
        parallel_tool_calls: false,
        metadata: { a: "b" },
        user: "u",
        store: true,
        include: ["reasoning.encrypted_content"],
      }),
    ).toEqual({
      model,
      system: "Be brief\n\nAnd kind",
      messages: [{ role: "user", content: [{ type: "text", text: "Look" }] }],
      maxOutputTokens: 9,
      temperature: 0.5,
      topP: 0.5,
      reasoning: { effort: "low" },
      responseFormat: { type: "json-schema", name: "mood", schema: { type: "object" }, strict: true },
      tools: [{ name: "look", parameters: { type: "object" }, strict: true }],
      toolChoice: { name: "look" },
      parallelToolCalls: false,
      metadata: { a: "b" },
      userId: "u",
    });
  });

  it("takes the items of an answer back as one turn, seals and all", () => {
    const input = [
      { role: "user", content: "Look" },
      ...outputItems(id, result),
      { type: "function_call_output", call_id: "a", output: [{ type: "input_text", text: "seen" }] },
    ];

    expect(bodyOf({ input }).messages).toEqual([
      { role: "user", content: [{ type: "text", text: "Look" }] },
      { role: "assistant", content: [...parts.slice(0, 2), { type: "text", text: "I look." }, parts[4]] },
      {
        role: "tool",
        content: [{ type: "tool-result", id: "a", name: "look", content: [{ type: "text", text: "seen" }] }],
      },
    ]);
  });

  it("does without reasoning that somebody else sealed", () => {
    const item = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" };

    expect(bodyOf({ input: [{ role: "user", content: "Look" }, item] }).messages).toHaveLength(1);
  });

  it.each([
    [{}, "input is missing"],
    [{ input: [] }, "input holds no user message"],
    [{ input: 1 }, "input must be text or a list of items"],
    [{ input: [{ role: "robot", content: "x" }] }, "input[0].role must be"],
    [
      { input: [{ type: "function_call", call_id: "a", name: "b", arguments: "{" }] },
      "input[0].arguments must be JSON",
    ],
    [{ input: [{ type: "function_call_output", call_id: "a", output: "x" }] }, "input[0] answers the call"],
    [{ input: "x", tools: [{ type: "function", name: "a b" }] }, "tools[0].name must be"],
    [{ input: "x", tool_choice: "required" }, "tool_choice asks for a tool"],
    [{ input: "x", text: { format: { type: "json_schema" } } }, "text.format"],
    [{ input: "x", prompt: { id: "p" } }, "prompt names a prompt"],
  ])("%j is refused", (body, reason) => {
    expect(read(body)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });
});

describe("the events of a response", () => {
  const events = (deltas: readonly Delta[]) => {
    const terms = { id, createdSeconds: 1, body: undefined, isBackground: false, model };
    const made = openResponseEvents(terms);
    return [
      ...deltas.flatMap((delta) => made.delta(delta)),
      ...made.finish(result, { inputTokens: 1, outputTokens: 2 }),
    ];
  };
  const said: readonly Delta[] = [
    { type: "reasoning", text: "H" },
    { type: "reasoning", text: "m." },
    { type: "text", text: "I look." },
    { type: "tool-call", index: 0, id: "a", name: "look", input: "" },
    { type: "tool-call", index: 0, input: '{"at":1}' },
    { type: "tool-call", index: 1, id: "b", name: "look", input: "" },
  ];

  it("open and close each item in turn, under the ids that the answer has later", () => {
    const all = events(said);

    for (const event of all) expect(eventAgainstOpenai(event)).toEqual([]);
    const done = all.filter(({ type }) => type === "response.output_item.done");
    expect(done).toMatchObject([
      { output_index: 0, item: { id: `rs_${hex}_0`, summary: [{ text: "Hm." }] } },
      { output_index: 1, item: { id: `msg_${hex}_0`, content: [{ text: "I look." }] } },
      { output_index: 2, item: { id: `fc_${hex}_0`, call_id: "a", arguments: '{"at":1}' } },
      { output_index: 3, item: { id: `fc_${hex}_1`, call_id: "b", arguments: "{}" } },
    ]);
    expect(outputItems(id, result).map((item) => item.id)).toEqual([
      `rs_${hex}_e0`,
      `rs_${hex}_0`,
      `msg_${hex}_0`,
      `fc_${hex}_0`,
    ]);
    expect(all.at(-1)).toMatchObject({ type: "response.completed", response: { usage: { total_tokens: 3 } } });
  });

  it("are numbered the same however often they are made", () => {
    expect(events(said)).toEqual(events(said));
  });
});

it("an id says which request it belongs to, unless it is somebody else's", () => {
  expect([`resp_${hex}`, `msg_${hex}_0`, `rs_${hex}_e1`].map(requestOfItem)).toEqual([id, id, id]);
  expect(["resp_1", "msg_abc", `x_${hex}`, `resp_${hex}0`].map(requestOfItem)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
