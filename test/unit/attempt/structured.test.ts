import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inForm } from "../../../src/attempt/structured.ts";
import { type Body, promptBody } from "../../../src/request/body.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";
import type { FinishReason } from "../../../src/request/result.ts";
import type { ResponseFormat } from "../../../src/request/tools.ts";

const asking = (responseFormat?: ResponseFormat): Body => ({
  ...promptBody("m", "Who?"),
  ...(responseFormat === undefined ? {} : { responseFormat }),
});
const saying = (text: string, unified: FinishReason["unified"] = "stop"): CallOutcome => ({
  ok: true,
  text,
  finish: { unified, raw: unified },
  usage: { inputTokens: 10, outputTokens: 5 },
  providerRequestId: "req_1",
  limits: { requests: { remaining: 3 } },
});
const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const formed: ResponseFormat = { type: "json-schema", schema };

describe("an answer in the form that was asked for", () => {
  it.each([
    ["any text where none was asked for", undefined, "Ada"],
    ["any text where text was asked for", { type: "text" } as const, "{"],
    ["an object where JSON was asked for", { type: "json" } as const, ' {"a": 1}\n'],
    ["JSON that fits its schema", formed, '{"name": "Ada"}'],
    [
      "JSON that is no object, where its schema says so",
      { type: "json-schema", schema: { type: "array" } } as const,
      "[]",
    ],
  ])("is passed on as it is: %s", (_, format, text) => {
    const outcome = saying(text);
    expect(inForm(asking(format), outcome)).toBe(outcome);
  });

  it("is not looked for in an answer that calls a tool, a failure, or another operation", () => {
    const calling = saying("", "tool-calls");
    const failed: CallOutcome = { ok: false, failure: { kind: "server", message: "no" } };
    const vectors = saying("");
    expect(inForm(asking(formed), calling)).toBe(calling);
    expect(inForm(asking(formed), failed)).toBe(failed);
    expect(inForm({ operation: "embedding", model: "m", input: ["a"] }, vectors)).toBe(vectors);
  });
});

describe("an answer in another form", () => {
  it.each([
    [{ type: "json" } as const, "Sure: {}", "the answer is not JSON"],
    [{ type: "json" } as const, "[1]", "the answer is no JSON object"],
    [{ type: "json" } as const, "null", "the answer is no JSON object"],
    [formed, "Ada", "the answer is not JSON"],
    [formed, "", "the answer is not JSON"],
    [formed, '{"name": 7}', "the answer does not fit its schema at # (properties), #/name (type)"],
    [formed, "{}", "the answer does not fit its schema at # (required)"],
  ])("is a failure that keeps what was said, and its cost: %j, %j", (format, text, message) => {
    expect(inForm(asking(format), saying(text))).toEqual({
      ok: false,
      failure: { kind: "schema", message },
      rejected: text,
      usage: { inputTokens: 10, outputTokens: 5 },
      providerRequestId: "req_1",
      limits: { requests: { remaining: 3 } },
    });
  });

  it("is said to be cut off where it is", () => {
    const outcome = inForm(asking(formed), saying('{"name": "A', "length"));
    expect(outcome).toMatchObject({ failure: { message: "the answer, cut off at the output limit, is not JSON" } });
  });

  it("is one that cannot be checked in time, too", () => {
    const endless: ResponseFormat = { type: "json-schema", schema: { type: "string", pattern: "^(a+)+$" } };
    const outcome = inForm(asking(endless), saying(JSON.stringify(`${"a".repeat(60)}!`)));
    expect(outcome).toMatchObject({
      ok: false,
      failure: { kind: "schema", message: expect.stringMatching(/cannot be checked: .*timed out/) },
    });
  });

  it("never has its words in the message", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12,40}$/), (word) => {
        const outcome = inForm(asking(formed), saying(JSON.stringify({ name: [word], [word]: word })));
        if (outcome.ok) throw new Error("it was let through");
        expect(outcome.failure.message).not.toContain(word);
      }),
    );
  });
});
