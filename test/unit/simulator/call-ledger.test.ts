import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CallLedger, createCallLedger, type NewCall } from "../../../src/simulator/call-ledger.ts";
import { summarise } from "../../../src/simulator/ledger-summary.ts";
import { dimensions } from "../../../src/simulator/refusal.ts";

const call: NewCall = {
  atMs: 1_795_000_000_123,
  provider: "gemini",
  streamed: true,
  model: "gemini-2.5-flash",
  keyTail: "abcd",
  correlation: "request-1",
  textDigest: 0x1fffffffffffff,
  inputTokens: 12,
};
const unknownCall: NewCall = {
  ...call,
  model: undefined,
  keyTail: undefined,
  correlation: undefined,
  textDigest: undefined,
  inputTokens: undefined,
};
const numbers = (ledger: CallLedger, since?: number, limit?: number) =>
  [...ledger.calls(since, limit)].map(({ seq }) => seq);

describe("a ledger of calls", () => {
  test("gives back what was written, and nothing for what is not known", () => {
    const ledger = createCallLedger(10);
    ledger.open(call);
    ledger.open(unknownCall);
    for (const refusedBy of dimensions) ledger.change(ledger.open(call), { status: 429, refusedBy });
    ledger.change(0, { status: 200, ended: "cut", outputTokens: 3, fault: "cut-stream" });
    expect([...ledger.calls(2)].map(({ refusedBy }) => refusedBy)).toEqual(dimensions);
    expect([...ledger.calls(0, 2)]).toEqual([
      {
        seq: 0,
        requestId: "req_sim000000000000",
        atMs: 1_795_000_000_123,
        provider: "gemini",
        streamed: true,
        ended: "cut",
        model: "gemini-2.5-flash",
        keyTail: "abcd",
        correlation: "request-1",
        textHash: "1fffffffffffff",
        status: 200,
        inputTokens: 12,
        outputTokens: 3,
        fault: "cut-stream",
      },
      {
        seq: 1,
        requestId: "req_sim000000000001",
        atMs: 1_795_000_000_123,
        provider: "gemini",
        streamed: true,
        ended: "open",
      },
    ]);
  });

  test("keeps the last calls only, and is read in pages", () => {
    const ledger = createCallLedger(20_000);
    for (let index = 0; index < 50_000; index += 1) ledger.open(call);
    expect([ledger.first, ledger.next]).toEqual([30_000, 50_000]);
    expect(numbers(ledger, 0, 2)).toEqual([30_000, 30_001]);
    expect(numbers(ledger, 49_998, 10)).toEqual([49_998, 49_999]);
    expect(numbers(ledger)).toHaveLength(20_000);
    ledger.change(29_999, { status: 500 });
    ledger.change(30_000, { status: 404 });
    expect([...ledger.calls(0, 1)][0]?.status).toBe(404);
  });

  test("goes on counting after it was cleared", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 10_000 }), (before, after) => {
        const ledger = createCallLedger(1_000_000);
        for (let index = 0; index < before; index += 1) ledger.open(call);
        ledger.clear();
        ledger.change(0, { status: 200 });
        for (let index = 0; index < after; index += 1) ledger.open({ ...call, correlation: `after-${index}` });
        expect([...ledger.calls(0, 1)]).toMatchObject([{ seq: before, correlation: "after-0" }]);
        expect(numbers(ledger)).toHaveLength(after);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a summary", () => {
  test("counts by provider, status and end, and tells repeats of calls from repeats of answers", () => {
    const ledger = createCallLedger(100);
    const add = (one: Partial<NewCall>, change: Parameters<CallLedger["change"]>[1]) =>
      ledger.change(ledger.open({ ...call, ...one }), change);
    add({ correlation: "a", textDigest: 1 }, { status: 429, ended: "complete", refusedBy: "outputTokens" });
    add({ correlation: "a", textDigest: 1 }, { status: 200, ended: "complete", outputTokens: 5 });
    add({ correlation: "b", textDigest: 2 }, { status: 200, ended: "complete", outputTokens: 7 });
    add({ correlation: "b", textDigest: 2 }, { status: 200, ended: "complete", outputTokens: 7 });
    add({ correlation: "b", textDigest: 1, provider: "openai" }, { status: 200, ended: "cut", outputTokens: 1 });
    add({ correlation: undefined, textDigest: undefined }, { ended: "hang" });
    expect(summarise(ledger.calls())).toEqual({
      calls: 6,
      byProvider: { gemini: 5, openai: 1 },
      byStatus: { 429: 1, 200: 4, none: 1 },
      byEnd: { complete: 4, cut: 1, hang: 1 },
      refusals: { outputTokens: 1 },
      inputTokens: 36,
      outputTokens: 20,
      byCorrelation: { distinct: 2, repeated: 2, extraCalls: 3, extraAnswers: 1 },
      byText: { distinct: 2, repeated: 2, extraCalls: 3, extraAnswers: 1 },
    });
  });
});
