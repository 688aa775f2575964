import { describe, expect, it } from "vitest";
import { openAccount } from "../../../producers/http/unsaid.ts";
import type { Delta } from "../../../src/request/delta.ts";
import type { Result } from "../../../src/request/result.ts";

const result: Result = {
  text: "I look.",
  parts: [
    { type: "reasoning", text: "Hm." },
    { type: "text", text: "I look." },
    { type: "tool-call", id: "a", name: "look", input: { at: 1 } },
  ],
  finish: { unified: "tool-calls", raw: "tool_calls" },
  provider: "openai",
  model: "gpt-5-mini",
  deployment: "openai/gpt-5-mini",
};
const thought: Delta = { type: "reasoning", text: "Hm." };
const text = (said: string): Delta => ({ type: "text", text: said });
const call = (input: string): Delta => ({ type: "tool-call", index: 0, id: "a", name: "look", input });
const restAfter = (...heard: Delta[]) => {
  const account = openAccount();
  for (const delta of heard) account.hear(delta);
  return account.rest(result);
};

describe("what is left of an answer", () => {
  it("is all of it when nothing was told", () => {
    expect(restAfter()).toEqual([thought, text("I look."), call('{"at":1}')]);
  });

  it("is what comes after the words that were told", () => {
    expect(restAfter(thought, text("I "))).toEqual([text("look."), call('{"at":1}')]);
    expect(restAfter(text("I look."))).toEqual([call('{"at":1}')]);
  });

  it("is nothing when all was told, however the model wrote its JSON", () => {
    expect(restAfter(thought, text("I look."), call('{ "at"'), call(": 1 }"))).toEqual([]);
  });

  it("cannot be told when something between is missing", () => {
    expect(restAfter(text("look."))).toBeUndefined();
    expect(restAfter(text("I look."), call('{"at":'))).toBeUndefined();
    expect(restAfter(text("I look."), { type: "tool-call", index: 1, input: "{}" })).toBeUndefined();
  });
});
