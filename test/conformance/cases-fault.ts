/** Errors and faults, each to its kind. */
import { expect } from "vitest";
import { answerOf, type Cases, failsWith, failureOf } from "./bench.ts";

/** The specification of provider.ts: an aborted call ends within this time. */
const abortMs = 100;

export const faultCases: Cases = {
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

  "reads an error in the body of a success by its kind": failsWith({ kind: "error-in-success" }, "capacity"),

  "calls an answer without any choice a failure": async ({ ask, judge }) => {
    judge.order({ kind: "empty-answer" });
    expect(failureOf((await ask()).outcome).kind).toBe("server");
    judge.order({ kind: "empty-answer" });
    expect(["server", "stream"]).toContain(failureOf((await ask({ stream: true })).outcome).kind);
  },

  "calls an answer that was filtered to the last word the request's failure": async ({ ask, judge }) => {
    for (const stream of [false, true]) {
      judge.order({ kind: "filtered" });
      expect(failureOf((await ask({ stream })).outcome).kind).toBe("client");
    }
  },

  "calls a tool call with broken JSON the server's failure": async ({ ask, judge }) => {
    const tools = [{ name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } }];
    for (const stream of [false, true]) {
      judge.order({ kind: "broken-tool-call" });
      const failure = failureOf((await ask({ stream, body: { tools, toolChoice: "required" } })).outcome);
      expect(failure.kind).toBe("server");
    }
  },

  "heeds nothing after the end of a stream": async ({ ask, judge }) => {
    const whole = answerOf((await ask()).outcome);
    judge.order({ kind: "late-event" });
    const { outcome, pieces } = await ask({ stream: true });
    expect(answerOf(outcome)).toMatchObject({ text: whole.text, finish: whole.finish, usage: whole.usage });
    expect(pieces.join("")).toBe(whole.text);
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

  "stops in the middle of a whole answer that does not go on within 100 ms of being told": async ({ ask, judge }) => {
    judge.order({ kind: "hang", afterTokens: 3 });
    const stop = new AbortController();
    const before = judge.arrivals().count;
    const asked = ask({ signal: stop.signal });
    await expect.poll(() => judge.arrivals().count, { interval: 5, timeout: 5_000 }).toBe(before + 1);
    const stoppedAt = performance.now();
    stop.abort(new DOMException("total", "TimeoutError"));
    const { outcome } = await asked;
    expect(performance.now() - stoppedAt).toBeLessThan(abortMs);
    expect(failureOf(outcome).kind).toBe("timeout");
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
};
