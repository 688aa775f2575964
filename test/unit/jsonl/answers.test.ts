import { describe, expect, it } from "vitest";
import { answerLine } from "../../../producers/jsonl/results.ts";
import type { BatchLine } from "../../../src/ledger/batch-results.ts";

const requestId = "01a1fdda-932f-70fc-aad0-4e1a7d8a6c46";
const bare = requestId.replaceAll("-", "");

const answered: BatchLine = {
  lineNo: 3,
  customId: "c",
  shape: "openai",
  requestId,
  model: "claude-haiku-4-5",
  state: "succeeded",
  attempts: 2,
  passedOver: [
    { deployment: "anthropic/claude-haiku-4-5", lane: "anthropic.haiku", kind: "capacity", message: "busy" },
  ],
  failure: undefined,
  result: {
    text: "Hi",
    finish: { unified: "content-filter", raw: "content_filter" },
    provider: "openai",
    model: "gpt-5-mini",
    deployment: "openai/gpt-5-mini",
  },
  finishedAt: new Date(1_700_000_000_500),
  usage: { inputTokens: 5, outputTokens: 2 },
  rejected: undefined,
  costNanoUsd: 1_200_345n,
};
const unanswered: BatchLine = {
  ...answered,
  state: "failed",
  result: undefined,
  usage: {},
  costNanoUsd: undefined,
};
const failed = (kind: string, status?: number): BatchLine => ({
  ...unanswered,
  failure: { kind, message: "Because.", status },
});
const answer = (line: BatchLine): unknown => JSON.parse(answerLine(line));

describe("the answer to an OpenAI line", () => {
  it("is a line of OpenAI's output file, and says who answered at what cost", () => {
    expect(answer(answered)).toEqual({
      id: `batch_req_${bare}`,
      custom_id: "c",
      response: {
        status_code: 200,
        request_id: `req_${bare}`,
        body: {
          id: `chatcmpl-${bare}`,
          object: "chat.completion",
          created: 1_700_000_000,
          model: "gpt-5-mini",
          choices: [
            {
              index: 0,
              message: { role: "assistant", content: "Hi", refusal: null },
              logprobs: null,
              finish_reason: "content_filter",
            },
          ],
          usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
        },
      },
      error: null,
      millrace: {
        line: 3,
        provider: "openai",
        cost_usd: "0.001200345",
        attempts: 2,
        passed_over: [{ deployment: "anthropic/claude-haiku-4-5", kind: "capacity", message: "busy" }],
      },
    });
  });

  it("holds null for usage and cost that are unknown", () => {
    expect(answer({ ...answered, usage: { inputTokens: 5 }, costNanoUsd: undefined })).toMatchObject({
      response: { body: { usage: null } },
      millrace: { cost_usd: null },
    });
  });

  it("is the provider's refusal with its status where there was one", () => {
    expect(answer(failed("client", 400))).toMatchObject({
      response: {
        status_code: 400,
        body: { error: { message: "Because.", type: "invalid_request_error", param: null, code: "client" } },
      },
      error: null,
    });
  });

  it.each([
    [failed("deadline"), "batch_expired"],
    [failed("timeout"), "request_timeout"],
    [failed("network"), "network"],
    [failed("stream", 200), "stream"],
    [{ ...unanswered, state: "cancelled" } satisfies BatchLine, "batch_cancelled"],
  ])("is an error without a response where no answer came (%#)", (line, code) => {
    expect(answer(line)).toMatchObject({ response: null, error: { code } });
  });
});

describe("the answer to a plain line", () => {
  it("is flat", () => {
    expect(answer({ ...answered, shape: "plain" })).toEqual({
      id: "c",
      line: 3,
      text: "Hi",
      model: "gpt-5-mini",
      provider: "openai",
      finish: "content-filter",
      usage: { input_tokens: 5, output_tokens: 2 },
      cost_usd: "0.001200345",
      attempts: 2,
      passed_over: [{ deployment: "anthropic/claude-haiku-4-5", kind: "capacity", message: "busy" }],
    });
  });

  it("holds null for what is unknown", () => {
    const unknown = { ...answered, shape: "plain", usage: { outputTokens: 2 }, costNanoUsd: undefined } as const;
    expect(answer(unknown)).toMatchObject({ usage: { input_tokens: null, output_tokens: 2 }, cost_usd: null });
    expect(answer({ ...unknown, usage: {} })).toMatchObject({ usage: null });
  });

  it("is an error of one kind where there is none", () => {
    expect(answer({ ...failed("capacity", 529), shape: "plain" })).toMatchObject({
      id: "c",
      line: 3,
      error: { kind: "capacity", message: "Because." },
    });
  });
});
