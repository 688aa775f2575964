import { expect, it } from "vitest";
import { readResponseEvent } from "../../../src/provider/adapters/openai/response-event.ts";

it("tells the seal of a thought when the thought is over", () => {
  const read = readResponseEvent("openai");
  const item = { type: "reasoning", id: "rs_1", encrypted_content: "cipher", summary: [] };

  expect(read({ type: "response.reasoning_summary_text.delta", delta: "Hm." })).toEqual({
    kind: "delta",
    delta: { type: "reasoning", text: "Hm." },
  });
  expect(read({ type: "response.output_item.done", item })).toEqual({
    kind: "delta",
    delta: { type: "reasoning", text: "", signature: "rs_1:cipher", provider: "openai" },
  });
  expect(read({ type: "response.output_item.done", item: { type: "message", content: [] } })).toEqual({
    kind: "other",
  });
});
