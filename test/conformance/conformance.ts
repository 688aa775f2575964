/**
 * What every adapter must do, judged by a real HTTP server that another hand wrote. One case is one sentence; a judge
 * that cannot judge a case names the reason.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Connection, Provider } from "../../src/provider/provider.ts";
import type { FailureKind } from "../../src/request/failure.ts";
import type { CallOutcome } from "../../src/request/outcome.ts";
import { type CallWish, call, type WatchedCall } from "../support/call.ts";

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
        | "missing-usage";
    };

export interface RunningJudge {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** A key that it refuses. */
  readonly wrongKey: string;
  readonly model: string;
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

interface Bench {
  readonly provider: Provider;
  readonly judge: RunningJudge;
  readonly connection: Connection;
  ask(wish?: Partial<CallWish>): Promise<WatchedCall>;
}

/** The specification of provider.ts: an aborted call ends within this time. */
const abortMs = 100;

/** Runs every case on one adapter with one judge. */
export function describeConformance(provider: Provider, judge: Judge): void {
  describe(`${provider.id}, judged by ${judge.name}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      const running = await judge.start(provider);
      const connection = provider.connect({ apiKey: running.apiKey, baseUrl: running.baseUrl });
      bench = {
        provider,
        judge: running,
        connection,
        ask: (wish) => call(connection, { model: running.model, ...wish }),
      };
    });
    afterAll(() => bench.judge.stop());
    for (const [name, run] of Object.entries(cases)) {
      const reason = judge.skips[`${provider.id}: ${name}`] ?? judge.skips[name];
      // A call that never comes back must be told apart from a slow machine, by its name.
      const options = { skip: reason !== undefined, timeout: 15_000 };
      it(reason === undefined ? name : `${name} (not judged: ${reason})`, options, () => run(bench));
    }
    it("is skipped for known cases only", () => {
      const known = Object.keys(cases);
      const skipped = Object.keys(judge.skips).map((name) => name.replace(/^\w+: /, ""));
      expect(skipped.filter((name) => !known.includes(name))).toEqual([]);
    });
  });
}

const cases: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "answers whole, with text, usage and finish reason": async ({ ask }) => {
    const { outcome, pieces } = await ask();
    const answer = answerOf(outcome);
    expect(answer.text.length).toBeGreaterThan(10);
    expect(answer.finish.unified).toBe("stop");
    expect(answer.usage.inputTokens).toBeGreaterThan(0);
    expect(answer.usage.outputTokens).toBeGreaterThan(0);
    expect(pieces).toEqual([]);
  },

  "streams the same answer in pieces that add up to it": async ({ ask }) => {
    const whole = answerOf((await ask()).outcome);
    const { outcome, pieces, activity } = await ask({ stream: true });
    const streamed = answerOf(outcome);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.every((piece) => piece !== "")).toBe(true);
    expect(pieces.join("")).toBe(streamed.text);
    expect(activity).toBeGreaterThan(0);
    expect(streamed).toMatchObject({ text: whole.text, finish: whole.finish, usage: whole.usage });
  },

  "says who answered": async ({ ask }) => {
    for (const stream of [false, true]) {
      expect(answerOf((await ask({ stream })).outcome).providerRequestId).toMatch(/.{6,}/);
    }
  },

  "sends its correlation": async ({ ask, judge }) => {
    await ask({ correlation: "req-42" });
    expect(judge.arrivals().correlation).toBe("req-42");
  },

  "stops at the output limit": async ({ ask }) => {
    for (const stream of [false, true]) {
      const { finish, usage } = answerOf((await ask({ stream, body: { maxOutputTokens: 5 } })).outcome);
      expect(finish.unified).toBe("length");
      expect(usage.outputTokens).toBe(5);
    }
  },

  "stops before a stop sequence": async ({ ask }) => {
    const { text } = answerOf((await ask()).outcome);
    const stop = text
      .slice(text.indexOf(" ", text.length / 2))
      .trim()
      .slice(0, 6);
    for (const stream of [false, true]) {
      const stopped = answerOf((await ask({ stream, body: { stop: [stop] } })).outcome);
      expect(stopped.finish.unified).toBe("stop");
      expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
    }
  },

  "is not refused for sampling parameters": async ({ ask }) => {
    const body = { temperature: 0.2, topP: 0.9, topK: 20, seed: 7 };
    for (const stream of [false, true]) answerOf((await ask({ stream, body })).outcome);
  },

  "sends the system prompt": async ({ ask }) => {
    const plain = answerOf((await ask()).outcome);
    const directed = answerOf(
      (await ask({ body: { system: "Answer like a miller who has seen many rivers." } })).outcome,
    );
    expect(directed.usage.inputTokens).toBeGreaterThan(plain.usage.inputTokens ?? Number.POSITIVE_INFINITY);
  },

  "reads a rate limit with its wait": failsWith({ kind: "rate-limit", retryAfterS: 7 }, "rate", {
    retryAfterMs: 7_000,
  }),
  "reads a refused key": failsWith({ kind: "auth" }, "auth"),
  "reads a used-up quota": failsWith({ kind: "insufficient-quota" }, "quotaHard"),
  "reads a server error": failsWith({ kind: "server-error" }, "server", { status: 500 }),
  "reads an unavailable service": failsWith({ kind: "unavailable" }, "capacity", { status: 503 }),
  "reads an overload": failsWith({ kind: "overloaded" }, "capacity"),

  "reads a gateway's page of HTML without quoting it": async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order({ kind: "html-error" });
      const failure = failureOf((await ask({ stream })).outcome);
      expect(failure).toMatchObject({ kind: "server", status: 502 });
      expect(failure.message).not.toContain("<");
    }
  },

  "makes one HTTP request per call": async ({ ask, judge }) => {
    const orders = ["rate-limit", "server-error", "unavailable", "overloaded"] as const;
    for (const kind of orders) {
      const before = judge.arrivals().count;
      judge.order(kind === "rate-limit" ? { kind, retryAfterS: 0 } : { kind });
      await ask();
      expect(judge.arrivals().count - before).toBe(1);
    }
  },

  "calls a stream that ends early a failure": async ({ ask, judge }) => {
    judge.order({ kind: "cut-stream", how: "end" });
    const { outcome, pieces } = await ask({ stream: true });
    expect(failureOf(outcome).kind).toBe("stream");
    expect(pieces.join("")).not.toBe("");
    expect(outcome.usage?.outputTokens).toBeUndefined();
  },

  "calls a stream that breaks off a network failure": async ({ ask, judge }) => {
    judge.order({ kind: "cut-stream", how: "reset" });
    expect(failureOf((await ask({ stream: true })).outcome).kind).toBe("network");
  },

  "calls a whole answer that breaks off a failure": async ({ ask, judge }) => {
    for (const how of ["end", "reset"] as const) {
      judge.order({ kind: "cut-stream", how });
      expect(["network", "server"]).toContain(failureOf((await ask()).outcome).kind);
    }
  },

  "calls broken JSON the server's failure": async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order({ kind: "malformed-chunk" });
      expect(failureOf((await ask({ stream })).outcome).kind).toBe("server");
    }
  },

  "reads an error in the middle of a stream by its kind": async ({ ask, judge }) => {
    judge.order({ kind: "stream-error" });
    const { outcome, pieces } = await ask({ stream: true });
    expect(["capacity", "server"]).toContain(failureOf(outcome).kind);
    expect(pieces.join("")).not.toBe("");
  },

  "leaves usage unknown where none is reported": async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order({ kind: "missing-usage" });
      expect(answerOf((await ask({ stream })).outcome).usage).toEqual({});
    }
  },

  "waits for a slow answer": async ({ ask, judge }) => {
    judge.order({ kind: "slow", ms: 150 });
    const startedAt = performance.now();
    answerOf((await ask({ stream: true })).outcome);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(145);
  },

  "stops waiting for an answer within 100 ms of being told": async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order({ kind: "hang" });
      const stop = new AbortController();
      let stoppedAt = Number.NaN;
      stop.signal.addEventListener("abort", () => {
        stoppedAt = performance.now();
      });
      const before = judge.arrivals().count;
      const asked = ask({ stream, signal: stop.signal });
      await expect
        .poll(() => judge.arrivals().count, { interval: 5, timeout: 5_000 })
        .toBe(before + 1)
        .finally(() => stop.abort(new DOMException("no first token", "TimeoutError")));
      const { outcome } = await asked;
      expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
      expect(failureOf(outcome).kind).toBe("timeout");
    }
  },

  "stops in the middle of a silent stream within 100 ms of being told": async ({ ask, judge }) => {
    judge.order({ kind: "hang", afterTokens: 3 });
    const stop = new AbortController();
    let stoppedAt = Number.NaN;
    const onText = () => {
      stoppedAt = performance.now();
      stop.abort(new Error("stopped"));
    };
    const { outcome, pieces } = await ask({ stream: true, signal: stop.signal, onText });
    expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
    expect(failureOf(outcome).kind).toBe("network");
    expect(pieces.join("")).not.toBe("");
  },

  "probes with a good key": async ({ connection }) => {
    expect(answerOf(await connection.probe(silent())).text).toBe("models listed");
  },

  "is refused with a wrong key": async ({ provider, judge }) => {
    const { baseUrl, wrongKey: apiKey, model } = judge;
    const refused = provider.connect({ apiKey, baseUrl });
    expect(failureOf(await refused.probe(silent())).kind).toBe("auth");
    for (const stream of [false, true]) {
      const failure = failureOf((await call(refused, { model, stream })).outcome);
      expect(failure.kind).toBe("auth");
      expect(failure.message).not.toContain(apiKey.slice(-4));
    }
  },
};

/** Whole and streamed, an ordered error is read as what it is. */
function failsWith(order: Order, kind: FailureKind, more: object = {}): (bench: Bench) => Promise<void> {
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

const silent = () => ({ signal: new AbortController().signal, onText: () => {}, onActivity: () => {} });

function answerOf(outcome: CallOutcome) {
  if (!outcome.ok) throw new Error(`expected an answer, got ${JSON.stringify(outcome.failure)}`);
  return outcome;
}

function failureOf(outcome: CallOutcome) {
  if (outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
  return outcome.failure;
}
