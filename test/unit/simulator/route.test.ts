import { expect, test } from "vitest";
import { targetOf } from "../../../src/simulator/route.ts";

test.each([
  ["POST", "/anthropic/v1/messages", { operation: "call", vendor: "anthropic" }],
  ["POST", "/v1/messages", { operation: "call", vendor: "anthropic" }],
  ["POST", "/openai/v1/chat/completions", { operation: "call", vendor: "openai" }],
  ["POST", "/v1/chat/completions", { operation: "call", vendor: "openai" }],
  [
    "POST",
    "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
    { operation: "call", vendor: "gemini", model: "gemini-2.5-flash", stream: false },
  ],
  [
    "POST",
    "/v1beta/models/a%20b:streamGenerateContent",
    { operation: "call", vendor: "gemini", model: "a b", stream: true },
  ],
  ["GET", "/gemini/v1beta/models", { operation: "models", vendor: "gemini" }],
  ["GET", "/anthropic/v1/models", { operation: "models", vendor: "anthropic" }],
  ["GET", "/v1/models", { operation: "models", vendor: "openai" }],
  ["GET", "/_sim/ledger", { operation: "control" }],
  ["GET", "/anthropic/v1/messages", { operation: "none", vendor: "anthropic" }],
  ["POST", "/openai/v1/messages", { operation: "none", vendor: "openai" }],
  ["POST", "/v1beta/models/%zz:generateContent", { operation: "none", vendor: undefined }],
  ["GET", "/", { operation: "none", vendor: undefined }],
])("%s %s is understood", (method, path, target) => {
  expect(targetOf(method, path, {})).toEqual(target);
});

test("a bare list of models is Anthropic's for a caller with Anthropic's header", () => {
  const headers = { "anthropic-version": "2026-10-21" };
  expect(targetOf("GET", "/v1/models", headers)).toEqual({ operation: "models", vendor: "anthropic" });
});
