/** What a case of the conformance suite works with: a judge, a connection to it, and what to make of an outcome. */
import { expect } from "vitest";
import type { Connection, Provider } from "../../src/provider/provider.ts";
import type { FailureKind } from "../../src/request/failure.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";
import type { CallWish, WatchedCall } from "../support/call.ts";

/** What a judge can be ordered to do to the next call. */
export type Order =
  | { readonly kind: "rate-limit"; readonly retryAfterS: number }
  | { readonly kind: "hang"; readonly afterTokens?: number }
  | { readonly kind: "cut-stream"; readonly how: "end" | "reset" }
  | { readonly kind: "slow"; readonly ms: number }
  | {
      readonly kind:
        | "auth"
        | "insufficient-quota"
        | "server-error"
        | "unavailable"
        | "overloaded"
        | "html-error"
        | "stream-error"
        | "malformed-chunk"
        | "missing-usage"
        | "error-in-success"
        | "empty-answer"
        | "filtered"
        | "broken-tool-call"
        | "late-event";
    };

export interface RunningJudge {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** A key that it refuses. */
  readonly wrongKey: string;
  readonly model: string;
  /** Settings beside key and address. */
  readonly more?: Readonly<Record<string, string>>;
  order(order: Order): void;
  /** Calls that arrived, of all time, and the `x-millrace-request` of the last. */
  arrivals(): { readonly count: number; readonly correlation?: string | undefined };
  stop(): Promise<void>;
}

export interface Judge {
  readonly name: string;
  start(provider: Provider): Promise<RunningJudge>;
  /** Reasons not to judge a case, by its name. */
  readonly skips: Readonly<Record<string, string>>;
}

export interface Bench {
  readonly provider: Provider;
  readonly judge: RunningJudge;
  readonly connection: Connection;
  ask(wish?: Partial<CallWish>): Promise<WatchedCall>;
}

/** By the sentence that each proves. */
export type Cases = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

/** Whole and streamed, an ordered error is read as what it is. */
export function failsWith(order: Order, kind: FailureKind, more: object = {}): Cases[string] {
  return async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order(order);
      const failure = failureOf((await ask({ stream })).outcome);
      expect(failure).toMatchObject({ kind, ...more });
      expect(failure.message.length).toBeGreaterThan(0);
      expect(failure.message).not.toContain(judge.apiKey);
    }
  };
}

export const silent = () => ({ signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} });

export function answerOf(outcome: CallOutcome) {
  if (!outcome.ok) throw new Error(`expected an answer, got ${JSON.stringify(outcome.failure)}`);
  return outcome;
}

export function failureOf(outcome: CallOutcome) {
  if (outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
  return outcome.failure;
}
