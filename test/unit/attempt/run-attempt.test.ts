import { describe, expect, it } from "vitest";
import { reactions } from "../../../src/admission/reaction.ts";
import { silentTelemetry } from "../../../src/telemetry/telemetry.ts";
import { answered, attempt, claimed, failing, now, refused } from "./attempt-deps.ts";

describe("an attempt that succeeds", () => {
  it("asks, calls, settles once and records the result with its bill, under the lease that claimed it", async () => {
    const { story, record, ended } = await attempt(claimed());
    expect(ended).toMatchObject({ answer: "recorded" });
    expect(story.asked.map((ask) => ask.leaseId)).toEqual(["11111111-1111-7111-8111-111111111111:1"]);
    expect(story.settled).toEqual([answered]);
    expect(story.holding).toEqual([expect.objectContaining({ pool: "anthropic.haiku" }), undefined]);
    expect(record).toMatchObject({
      leaseToken: "22222222-2222-7222-8222-222222222222",
      attemptNo: 1,
      event: "succeed",
      spent: true,
      result: { text: "4", provider: "anthropic", model: "claude-haiku-4-5", deployment: "anthropic/claude-haiku-4-5" },
      attempt: { outcome: "succeeded", costNanoUsd: 1_500_000n, providerRequestId: "req_1" },
    });
    expect(record?.result).not.toHaveProperty("passedOver");
  });

  it("says who did not answer before, and why", async () => {
    const passedOver = [{ deployment: "openai/x", lane: "openai.other", kind: "server", message: "500" }];
    const { record } = await attempt(claimed({ passedOver }));
    expect(record?.result?.passedOver).toEqual([{ deployment: "openai/x", kind: "server", message: "500" }]);
  });

  it("is told to be superseded when somebody else owns the row", async () => {
    expect((await attempt(claimed(), { recordAnswer: "superseded" })).ended).toMatchObject({ answer: "superseded" });
  });

  it("keeps its answer when the permit cannot be settled: a hiccup of Redis is no second paid call", async () => {
    const { record, story } = await attempt(claimed(), {
      admission: { settle: () => Promise.reject(new Error("Connection is closed.")) },
    });
    expect([record?.event, story.calls]).toEqual(["succeed", 1]);
  });

  it("leaves an unknown cost and unknown usage unknown", async () => {
    const { record } = await attempt(claimed(), { answer: async () => ({ ...answered, usage: {} }) });
    expect(record?.attempt).not.toHaveProperty("costNanoUsd");
    expect(record?.attempt?.usage).toEqual({});
  });
});

describe("an attempt that is not let go", () => {
  it("hands the row back unspent when it would have to wait long, calls nobody, and tells the gate of its lane", async () => {
    const { story, record } = await attempt(claimed(), { verdicts: [refused("requests", 5_000)] });
    expect([record?.event, record?.spent, story.calls, story.settled]).toEqual(["handBack", false, 0, []]);
    expect(story.learned).toEqual([5_000]);
  });

  it("hands the row back unspent when the limiter is away, and says that it was", async () => {
    const away = new Error("Connection is closed.");
    const { ended, story, record } = await attempt(claimed(), { verdicts: [away] });
    expect(ended).toEqual({ threw: away });
    expect([record?.event, record?.spent, story.calls]).toEqual(["handBack", false, 0]);
  });

  it("hands the row back without asking when its worker is draining already", async () => {
    const stop = new AbortController();
    stop.abort();
    const { story, record } = await attempt(claimed(), { stop });
    expect([record?.event, record?.spent, story.asked, story.calls]).toEqual(["handBack", false, [], 0]);
  });

  it("gives the permit back unused when its worker began to drain while it waited", async () => {
    const stop = new AbortController();
    const { story, record } = await attempt(claimed(), {
      stop,
      deps: {
        telemetry: {
          ...silentTelemetry,
          span: async (name, _options, work) => {
            const value = await work({ set: () => {}, fail: () => {}, event: () => {}, traceparent: undefined });
            if (name === "admit") stop.abort();
            return value;
          },
        },
      },
    });
    expect([record?.event, record?.spent, story.calls, story.settled]).toEqual(["handBack", false, 0, [undefined]]);
    expect(story.holding).toEqual([]);
  });

  it("fails without a call when the deadline has passed", async () => {
    const { story, record } = await attempt(claimed({ deadline: new Date(now) }));
    expect(record).toMatchObject({ event: "fail", spent: false, failure: { kind: "deadline" } });
    expect(story.asked).toEqual([]);
  });

  it("is held for a person when this fleet no longer knows the deployment", async () => {
    const { story, record } = await attempt(claimed({ deployment: "gone/model" }));
    expect(record).toMatchObject({ event: "hold", spent: false, holdReason: expect.stringContaining("gone/model") });
    expect(story.calls).toBe(0);
  });
});

describe("attempts that lost workers have spent", () => {
  it("are not exceeded: the request fails without another call when all are spent", async () => {
    const { story, record } = await attempt(claimed({ attemptsSpent: 6, attemptsSpentHere: 1 }));
    expect(record).toMatchObject({ event: "fail", spent: false, failure: { kind: "lost" } });
    expect(story.calls).toBe(0);
  });

  it("are not exceeded on one deployment: the request goes on to the next", async () => {
    const { story, record } = await attempt(claimed({ attemptsSpent: 3, attemptsSpentHere: 3 }));
    expect(record).toMatchObject({
      event: "fallBack",
      spent: false,
      onward: {
        deployment: "openai/gpt-5-mini",
        lane: "openai.gpt-5-mini",
        passedOver: [{ deployment: "anthropic/claude-haiku-4-5", kind: "lost" }],
      },
    });
    expect(story.calls).toBe(0);
  });
});

describe("an attempt that fails", () => {
  it("is retried here, later, and is spent", async () => {
    const outcome = failing({ kind: "server", status: 500 });
    const { record, story } = await attempt(claimed(), { answer: async () => outcome });
    expect(record).toMatchObject({
      event: "postpone",
      spent: true,
      delayMs: 250,
      failure: { kind: "server" },
      attempt: { outcome: "failed", failureKind: "server", httpStatus: 500 },
    });
    expect(story.settled).toEqual([outcome]);
  });

  it("is deferred by the provider's limit, unspent, for at least as long as it said", async () => {
    const { record } = await attempt(claimed(), { answer: async () => failing({ kind: "rate", retryAfterMs: 9_000 }) });
    expect(record).toMatchObject({ event: "postpone", spent: false, delayMs: 9_250 });
  });

  it("goes on to the next deployment, with what happened here, when it is the last one here", async () => {
    const { record } = await attempt(claimed({ attemptsSpent: 2, attemptsSpentHere: 2 }), {
      answer: async () => failing({ kind: "server" }),
    });
    expect(record?.onward).toEqual({
      deployment: "openai/gpt-5-mini",
      lane: "openai.gpt-5-mini",
      spentThere: 0,
      passedOver: [
        {
          deployment: "anthropic/claude-haiku-4-5",
          lane: "anthropic.haiku",
          kind: "server",
          message: "went wrong",
          spent: 3,
        },
      ],
    });
  });

  it("goes on only to providers that somebody in the fleet can serve, whoever this worker serves", async () => {
    const { record } = await attempt(claimed(), {
      answer: async () => failing({ kind: "auth" }),
      deps: { canServe: (provider) => provider === "gemini" },
    });
    expect(record?.onward?.deployment).toBe("gemini/gemini-3.5-flash");
  });

  it("ends the request when there is nowhere to go", async () => {
    const { record } = await attempt(claimed(), {
      answer: async () => failing({ kind: "client" }),
      deps: { canServe: () => false },
    });
    expect(record).toMatchObject({ event: "fail", spent: true, failure: { kind: "client", message: "went wrong" } });
  });

  it("is a timeout in our words when our own time was over, whatever the adapter made of the abort", async () => {
    const { record } = await attempt(claimed(), {
      answer: (_input, io) =>
        new Promise((resolve) => {
          io.signal.addEventListener("abort", () => resolve(failing({ kind: "network" })));
        }),
      deps: { timeouts: { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 20 } },
    });
    expect(record).toMatchObject({
      event: "postpone",
      failure: { kind: "timeout", message: "no complete answer within 20 ms" },
      attempt: { outcome: "failed", failureKind: "timeout" },
    });
  });

  it("is handed back unspent when its worker stopped it, and stands in the ledger as cancelled", async () => {
    const stop = new AbortController();
    const { record, story } = await attempt(claimed(), {
      stop,
      answer: (_input, io) =>
        new Promise((resolve) => {
          io.signal.addEventListener("abort", () => resolve(failing({ kind: "network" })));
          stop.abort(new Error("the worker is draining"));
        }),
    });
    expect(record).toMatchObject({ event: "handBack", spent: false, attempt: { outcome: "cancelled" } });
    expect(story.settled).toHaveLength(1);
  });

  it("is a success when the answer came although it was stopped meanwhile", async () => {
    const stop = new AbortController();
    const { record } = await attempt(claimed(), {
      stop,
      answer: async () => {
        stop.abort();
        return answered;
      },
    });
    expect(record).toMatchObject({ event: "succeed", attempt: { outcome: "succeeded" } });
  });
});

describe("a call that we ended ourselves", () => {
  /** Hangs until it is aborted, as adapters answer then. */
  const hangs: Parameters<typeof attempt>[1] = {
    answer: (_input, io) =>
      new Promise((resolve) => io.signal.addEventListener("abort", () => resolve(failing({ kind: "network" })))),
  };
  /** What the circuit is told by the outcome that the permit was settled with. */
  const told = ([outcome]: Awaited<ReturnType<typeof attempt>>["story"]["settled"]) =>
    outcome === undefined || outcome.ok ? "neutral" : reactions[outcome.failure.kind].circuit;

  it("because its worker stopped it says nothing of the provider", async () => {
    const stop = new AbortController();
    const ended = attempt(claimed(), { ...hangs, stop });
    setImmediate(() => stop.abort(new Error("the worker is draining")));
    const { story } = await ended;
    expect([story.calls, told(story.settled)]).toEqual([1, "neutral"]);
  });

  it("because its caller's deadline passed says nothing of the provider", async () => {
    const { story } = await attempt(claimed({ deadline: new Date(now + 5) }), hangs);
    expect([story.calls, told(story.settled)]).toEqual([1, "neutral"]);
  });

  it("because it took longer than any call may counts against the provider", async () => {
    const timeouts = { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 5 };
    const { story } = await attempt(claimed(), { ...hangs, deps: { timeouts } });
    expect([story.calls, told(story.settled)]).toEqual([1, "failure"]);
  });
});

describe("text as it comes", () => {
  const streamed = { ...claimed().body, stream: true };
  const answer: Parameters<typeof attempt>[1] = {
    answer: async (_input, io) => {
      io.onDelta({ type: "text", text: "a" });
      io.onDelta({ type: "text", text: "b" });
      return answered;
    },
  };

  it("goes to whoever reads along, with the time of the first piece kept", async () => {
    const { story, record } = await attempt(claimed({ body: streamed, replyWanted: true }), answer);
    expect(story.streamed).toEqual(["begin", "a", "b"]);
    expect(record?.attempt).toMatchObject({ streamed: true, firstTokenMs: 0 });
  });

  it("goes nowhere when nobody does", async () => {
    const { story, record } = await attempt(claimed({ body: streamed }), answer);
    expect(story.streamed).toEqual([]);
    expect(record?.attempt).toMatchObject({ streamed: true, firstTokenMs: 0 });
  });
});
