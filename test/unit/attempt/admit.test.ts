import { beforeEach, describe, expect, it, vi } from "vitest";
import { admit, askFor, bookedAheadMs } from "../../../src/attempt/admit.ts";
import type { ClaimedRequest } from "../../../src/ledger/claim.ts";
import { attempt, claimed, refused, type Surroundings, surroundings } from "./attempt-deps.ts";

/** Sleeps of `admit`: kept instead of slept; `meanwhile` happens during each. */
const sleeps = vi.hoisted(() => ({ ms: [] as number[], meanwhile: () => {} }));
vi.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number) => {
    sleeps.ms.push(ms);
    sleeps.meanwhile();
  },
}));
beforeEach(() => {
  sleeps.ms.length = 0;
  sleeps.meanwhile = () => {};
});

/** Asks for a permit at the deployment the request is at. */
function admitted(around: Surroundings = {}, request: ClaimedRequest = claimed()) {
  const { deps, hooks, story } = surroundings(around);
  const deployment = deps.catalog.deployment(request.deployment);
  const pool = deployment === undefined ? undefined : deps.catalog.pools.get(deployment.pool);
  const connection = deployment === undefined ? undefined : deps.connections.get(deployment.provider);
  if (deployment === undefined || pool === undefined || connection === undefined) throw new Error("no target");
  const target = { deployment, pool, connection, place: { pool, deployment: deployment.id } };
  return { story, stop: hooks.stop, verdict: admit(deps, request, target, hooks) };
}

describe("what the gate is asked", () => {
  const ask = (request: Partial<ClaimedRequest>, goesFirst = false) =>
    askFor(surroundings().deps, claimed(request), { goesFirst });

  it("names the dispatch, so that asking twice is granted once, and the estimates of the request", () => {
    const request = { dispatchNo: 7, estInputTokens: 11, estOutputTokens: 22 };
    expect(ask(request)).toMatchObject({
      inputTokens: 11,
      maxOutputTokens: 22,
      aheadMs: bookedAheadMs,
      leaseMs: 60_000,
    });
    expect(ask(request).leaseId).toMatch(/:7$/);
    expect(ask({ dispatchNo: 8 }).leaseId).not.toBe(ask(request).leaseId);
  });

  it("is a part of the pool for what may wait, and all of it for what goes first", () => {
    expect(ask({}).share).toBe(0.8);
    expect(ask({}, true).share).toBe(1);
  });

  it("is a retry on the deployment that was called before, and none on another one", () => {
    expect(ask({}).isRetry).toBe(false);
    expect(ask({ attemptsSpent: 1, attemptsSpentHere: 1 }).isRetry).toBe(true);
    expect(ask({ attemptsSpent: 3, attemptsSpentHere: 0 }).isRetry).toBe(false);
  });
});

describe("a booked start", () => {
  it("is slept for in the slot, and looked at once more before the call goes out", async () => {
    const { story, verdict } = admitted({ verdicts: [{ startMs: 120.4 }] });
    sleeps.meanwhile = () => expect([story.asked.length, story.lastLooks.length]).toEqual([1, 0]);
    expect(await verdict).toMatchObject({ granted: true });
    expect(sleeps.ms).toEqual([121]);
    expect(story.lastLooks).toEqual(story.asked);
  });

  it("that has moved on meanwhile is slept for again", async () => {
    const { story, verdict } = admitted({ verdicts: [{ startMs: 100 }], lastLooks: [{ startMs: 50 }] });
    expect(await verdict).toMatchObject({ granted: true });
    expect([sleeps.ms, story.lastLooks.length]).toEqual([[100, 50], 2]);
  });

  it("that has come needs no last look", async () => {
    const { story, verdict } = admitted();
    expect(await verdict).toMatchObject({ granted: true });
    expect([sleeps.ms, story.lastLooks]).toEqual([[], []]);
  });

  it("is not waited for any more by a worker that is told to stop", async () => {
    const around = { verdicts: [{ startMs: 200 }], lastLooks: Array(10).fill({ startMs: 200 }) };
    const { stop, verdict } = admitted(around);
    sleeps.meanwhile = () => stop.abort();
    await verdict;
    expect(sleeps.ms).toEqual([200]);
  });
});

describe("a slot of the provider", () => {
  const full = refused("concurrency", 50);

  it("is looked for again and again for a while, since it may free at any moment", async () => {
    const { story, verdict } = admitted({ verdicts: [full, full, full] });
    expect(await verdict).toMatchObject({ granted: true });
    expect([sleeps.ms, story.asked.length]).toEqual([[50, 50, 50], 4]);
  });

  it("that does not free leaves the row to be handed back after two seconds", async () => {
    const { story, verdict } = admitted({ verdicts: Array(100).fill(full) });
    expect(await verdict).toEqual(full);
    expect(sleeps.ms.reduce((sum, ms) => sum + ms, 0)).toBe(2_000);
    expect(new Set(story.learned)).toEqual(new Set([50]));
  });

  it("is not looked for any more by a worker that is told to stop", async () => {
    const { stop, verdict } = admitted({ verdicts: Array(100).fill(full) });
    sleeps.meanwhile = () => stop.abort();
    expect(await verdict).toEqual(full);
    expect(sleeps.ms).toEqual([50]);
  });
});

describe("a last look that refuses", () => {
  it("sends nothing and leaves no permit to hold or to settle: the row goes back unspent", async () => {
    const { story, record } = await attempt(claimed(), {
      verdicts: [{ startMs: 1 }],
      lastLooks: [refused("paused", 5_000)],
    });
    expect(record).toMatchObject({ event: "handBack", spent: false, reason: "waits for paused" });
    expect([story.calls, story.settled, story.holding]).toEqual([0, [], []]);
  });

  it("for longer than the route waits sends the request to a deployment that is open", async () => {
    const { story, record } = await attempt(claimed(), {
      verdicts: [{ startMs: 1 }],
      lastLooks: [refused("circuit", 60_000)],
    });
    expect(record).toMatchObject({ event: "fallBack", spent: false, onward: { deployment: "openai/gpt-5-mini" } });
    expect(story.calls).toBe(0);
  });
});

describe("what the gate of the lane learns", () => {
  it("is what everybody in the lane waits for", async () => {
    for (const blockedBy of ["requests", "tokens", "paused"] as const) {
      const { story } = await attempt(claimed(), { verdicts: [refused(blockedBy, 3_000)] });
      expect([blockedBy, story.learned]).toEqual([blockedBy, [3_000]]);
    }
  });

  it("is nothing of one deployment or of one request alone", async () => {
    for (const blockedBy of ["circuit", "isolated", "credential", "retries"] as const) {
      const { story } = await attempt(claimed(), { verdicts: [refused(blockedBy, 3_000)] });
      expect([blockedBy, story.learned]).toEqual([blockedBy, []]);
    }
    const tooLarge = refused("inputTokens", Number.POSITIVE_INFINITY, { asked: 10, most: 5 });
    expect((await attempt(claimed(), { verdicts: [tooLarge] })).story.learned).toEqual([]);
  });
});
