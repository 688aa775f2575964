/** A provider in the test's own process: answers as the test says and keeps every call it received. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CallInput, CallIo, Connection } from "../../src/provider/provider.ts";
import { partsOf } from "../../src/request/body.ts";
import type { Failure } from "../../src/request/failure.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";
import { textsOf } from "../../src/request/parts.ts";

export interface ReceivedCall {
  readonly requestId: string;
  readonly prompt: string;
  readonly model: string;
  /** How many calls of this request came to this provider, this one included. */
  readonly nth: number;
  readonly startedAt: number;
}

export interface TestProvider {
  readonly connection: Connection;
  readonly calls: readonly ReceivedCall[];
  /** Calls under way. */
  underWay(): number;
}

export const answer = (text: string): CallOutcome => ({
  ok: true,
  text,
  finish: { unified: "stop", raw: "end_turn" },
  usage: { inputTokens: 10, outputTokens: 5 },
});
export const failure = (kind: Failure["kind"], more: Partial<Failure> = {}): CallOutcome => ({
  ok: false,
  failure: { kind, message: `a ${kind} failure`, ...more },
});

/** Answers each prompt with itself unless told otherwise. */
export function testProvider(
  respond: (call: ReceivedCall, io: CallIo) => CallOutcome | Promise<CallOutcome> = (call) => answer(call.prompt),
): TestProvider {
  const calls: ReceivedCall[] = [];
  let underWay = 0;
  const call = async (input: CallInput, io: CallIo): Promise<CallOutcome> => {
    const requestId = input.correlation ?? "";
    const received = {
      requestId,
      prompt: partsOf(input.body).flatMap(textsOf).join(""),
      model: input.model,
      nth: calls.filter((one) => one.requestId === requestId).length + 1,
      startedAt: performance.now(),
    };
    calls.push(received);
    underWay += 1;
    try {
      return await respond(received, io);
    } finally {
      underWay -= 1;
    }
  };
  return { connection: { chat: call, probe: async () => answer("here") }, calls, underWay: () => underWay };
}

/** The answer after `ms`, or a network failure at once when the call is aborted. */
export const later = async (ms: number, io: CallIo, outcome: CallOutcome): Promise<CallOutcome> =>
  sleep(ms, outcome, { signal: io.signal }).catch(() => failure("network"));

/** Never answers; ends when it is aborted. */
export const never = (io: CallIo): Promise<CallOutcome> => later(600_000, io, answer("too late"));
