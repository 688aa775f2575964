import { expect, it } from "vitest";
import { bodyOf } from "../../../producers/library/ask.ts";

it("takes a prompt with every field beside it, and leaves the terms and what is undefined out", () => {
  const tools = [{ name: "a", parameters: { type: "object" } }];
  const asked = bodyOf({ prompt: "Hi", tools, toolChoice: { name: "a" }, priority: "bulk", tenant: "t" }, true);
  expect(asked).toEqual({
    ok: true,
    value: {
      model: "default",
      messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      tools,
      toolChoice: { name: "a" },
      stream: true,
    },
  });
});

it("takes other operations", () => {
  expect(bodyOf({ operation: "embedding", model: "m", input: ["a"] }, false)).toEqual({
    ok: true,
    value: { operation: "embedding", model: "m", input: ["a"] },
  });
  expect(bodyOf({ operation: "speech", model: "m", text: "" }, false)).toMatchObject({
    ok: false,
    reason: "text must be at least 1 character long",
  });
});
