/** What the dashboard makes of facts, without any service. */
import { describe, expect, it } from "vitest";
import { openBatchRows } from "../../../producers/http/dashboard/batch-rows.ts";
import { circuitRows } from "../../../producers/http/dashboard/circuit-rows.ts";
import { type LaneFacts, standingOf } from "../../../producers/http/dashboard/hold.ts";
import { poolJson } from "../../../producers/http/dashboard/pool-gauges.ts";
import { shareLooks } from "../../../producers/http/dashboard/shared-look.ts";
import { minuteJson, minuteUses, slotsJson } from "../../../producers/http/dashboard/traffic-rows.ts";
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import type { PoolStatus, Quota } from "../../../src/admission/pool-status.ts";
import type { CircuitEvent } from "../../../src/ledger/circuit-events.ts";
import type { RecentCalls, SlotCalls } from "../../../src/ledger/recent-calls.ts";

const nothing = { queued: 0, dispatched: 0, running: 0, waiting: 0, held: 0 };
const busy = { ...nothing, queued: 7, running: 2 };
const quota: Quota = {
  dimension: "inputTokens",
  per: "minute",
  limit: 40_000,
  room: 30_000,
  used: 0,
  mostUsed: 0,
  cold: false,
};
const pool: PoolStatus = { pool: "p.x", quotas: [quota], inFlight: 2, concurrency: 10, pausedForMs: 0, pace: 1 };
const circuit: CircuitStatus = {
  provider: "p",
  deployment: "p/x",
  state: "closed",
  wholeProvider: false,
  sinceMs: undefined,
  reason: undefined,
  openForMs: undefined,
  failuresInARow: 0,
  calls: 3,
  failures: 0,
  ramping: false,
  pausedForMs: 0,
};
const open: CircuitStatus = { ...circuit, state: "open", openForMs: 12_000, reason: "5 failures in a row" };

describe("what holds a lane", () => {
  const standing = (more: Partial<LaneFacts>) =>
    standingOf({ counts: busy, pause: undefined, workers: 1, pool, circuits: [circuit], ...more });

  it("is said for the strongest reason there is", () => {
    expect(standing({})).toEqual({ state: "moving", words: "moving" });
    expect(standing({ counts: nothing })).toEqual({ state: "idle", words: "idle" });
    expect(standing({ pause: { reason: "review" }, workers: 0 })).toEqual({
      state: "blocked",
      words: "paused: review",
    });
    expect(standing({ pause: { reason: undefined } }).words).toBe("paused");
    expect(standing({ workers: 0, circuits: [open] }).words).toBe("no worker: start one with millrace up");
    expect(standing({ workers: undefined })).toEqual({ state: "moving", words: "moving" });
    expect(standing({ circuits: [open] })).toEqual({
      state: "blocked",
      words: "x open: one call may find out in 12 s",
    });
    expect(standing({ circuits: [open, { ...circuit, deployment: "p/y" }] }).state).toBe("slow");
    expect(standing({ pool: { ...pool, pausedForMs: 3_000 } }).words).toBe("the provider asked to wait 3 s");
    expect(standing({ pool: { ...pool, inFlight: 9 } }).words).toBe("calls at once: 9 of 10");
    expect(standing({ counts: { ...nothing, held: 4 } }).words).toBe("4 held for a person");
    expect(standing({ counts: { ...nothing, waiting: 4 } }).words).toBe("4 wait for their next try");
  });

  it("is a limit once bulk work has used its part of it, and only while something waits", () => {
    const full = { ...pool, quotas: [{ ...quota, mostUsed: 24_000 }] };
    expect(standing({ pool: full })).toEqual({ state: "slow", words: "input tokens: 40,000 a minute" });
    expect(standing({ pool: full, counts: { ...nothing, running: 2 } }).state).toBe("moving");
    expect(standing({ pool: { ...pool, quotas: [{ ...quota, mostUsed: 20_000 }] } }).state).toBe("moving");
  });
});

describe("gauges of a pool", () => {
  it("say how much of each limit is used, and name what has none", () => {
    const json = poolJson(
      {
        ...pool,
        quotas: [
          { ...quota, mostUsed: 15_000 },
          { ...quota, dimension: "outputTokens", limit: undefined, room: undefined },
          { ...quota, dimension: "requests", mostUsed: 1, cold: true },
        ],
        pace: 0.5,
      },
      undefined,
    );
    expect(json.gauges).toEqual([
      { name: "input tokens", share: 0.5, used: "50 %", of: "40,000 a minute" },
      { name: "requests", share: 1 / 30_000, used: "<1 %", of: "40,000 a minute, started low" },
      { name: "calls at once", share: 0.2, used: "2", of: "10" },
    ]);
    expect(json.unlimited).toEqual(["output tokens"]);
    expect(json.notes).toEqual(["slowed to 50 % after refusals without a reason"]);
    expect(poolJson({ ...pool, concurrency: undefined }, undefined).unlimited).toEqual(["calls at once"]);
  });

  it("go by the last minute where a burst holds only a few", () => {
    const spaced = { ...pool, quotas: [{ ...quota, dimension: "requests" as const, limit: 60, room: 1, mostUsed: 1 }] };
    const use = { requests: 6, inputTokens: 0, outputTokens: 0 };
    expect(poolJson(spaced, use).gauges[0]?.share).toBe(0.1);
  });
});

describe("calls over time", () => {
  const slot = (slotMs: number, more: Partial<SlotCalls> = {}): SlotCalls => ({
    slotMs,
    deployment: "p/x",
    calls: 1,
    failed: 0,
    inputTokens: 10,
    outputTokens: 5,
    costNanoUsd: 1_000n,
    unpriced: 0,
    ...more,
  });
  const recent = (slots: readonly SlotCalls[], coveredFromMs: number): RecentCalls => ({
    slots,
    coveredFromMs,
    nowMs: 300_000,
    latency: undefined,
  });

  it("are summed over a minute exactly, and over less than one as if it went on", () => {
    const seen = [slot(100_000, { calls: 100 }), slot(250_000, { calls: 2, failed: 1 }), slot(295_000)];
    expect(minuteJson(recent(seen, 0))).toMatchObject({ calls: 3, failed: 1, inputTokens: 20, cost: "$0.000002" });
    expect(minuteJson(recent(seen, 270_000))).toMatchObject({ calls: 2, cost: "$0.000002" });
    expect(minuteJson(recent([slot(250_000, { costNanoUsd: 0n, unpriced: 3 })], 0)).cost).toBe(
      "cost unknown (3 unpriced)",
    );
    expect(minuteUses(recent(seen, 0), () => "p.x").get("p.x")).toMatchObject({ requests: 3, inputTokens: 20 });
    expect(minuteUses(recent(seen, 0), () => undefined).size).toBe(0);
  });

  it("are told of slots that were read whole, and of no others", () => {
    const seen = [slot(250_000), slot(295_000), slot(295_000, { deployment: "p/y", failed: 1 })];
    expect(slotsJson(recent(seen, 251_000))).toEqual({
      seconds: 5,
      fromMs: 255_000,
      untilMs: 300_000,
      slots: [{ atMs: 295_000, calls: 2, failed: 1 }],
    });
  });
});

describe("circuits", () => {
  const event = (agoMs: number, fromState: string, toState: string): CircuitEvent => ({
    id: String(agoMs),
    at: new Date(10_000_000 - agoMs),
    provider: "p",
    deployment: "p/x",
    fromState,
    toState,
    reason: "test",
    by: "gate",
  });

  it("that are not closed come first, with their last hour; those that did nothing are left out", () => {
    const idle = { ...circuit, deployment: "p/idle", calls: 0 };
    const events = [event(60_000, "closed", "open"), event(5_000_000, "open", "closed")];
    const rows = circuitRows([{ ...circuit, deployment: "p/y" }, idle, open], events, 10_000_000, 200);
    expect(rows.map(({ deployment, isBad }) => [deployment, isBad])).toEqual([
      ["p/x", true],
      ["p/y", false],
    ]);
    expect(rows[0]).toMatchObject({ sinceMs: 60_000, reason: "5 failures in a row" });
    expect(rows[0]?.history).toEqual([
      { fromMs: 6_400_000, state: "closed" },
      { fromMs: 9_940_000, state: "open" },
    ]);
  });

  it("have an unknown past where the events that were read do not reach", () => {
    const [row] = circuitRows([open], [event(60_000, "closed", "open")], 10_000_000, 1);
    expect(row?.history[0]).toEqual({ fromMs: 6_400_000, state: null });
  });
});

describe("the end of a batch", () => {
  const batch = {
    ...{ id: "b", tenant: "t", state: "running" as const, source: "file", total: 100, accepted: 100 },
    ...{ succeeded: 10, failed: 0, cancelled: 0, running: 1, waiting: 89, estimated: false },
    createdAt: new Date(0),
    finishedAt: null,
  };

  it("is unknown until it is seen moving, and follows its pace then", () => {
    const rows = openBatchRows();
    expect(rows([batch], 100_000)[0]?.etaMs).toBeNull();
    expect(rows([{ ...batch, succeeded: 20 }], 110_000)[0]?.etaMs).toBe(80_000);
    const done = { ...batch, succeeded: 100, finishedAt: new Date(112_000) };
    expect(rows([done], 120_000)[0]).toMatchObject({ etaMs: null, endedAgoMs: 8_000 });
  });

  it("is told from its mean pace where only a sample is counted", () => {
    expect(openBatchRows()([{ ...batch, estimated: true }], 100_000)[0]?.etaMs).toBe(900_000);
  });
});

describe("a look", () => {
  it("is shared by all who watch, and taken by nobody when nobody does", async () => {
    const closing = new AbortController();
    let taken = 0;
    const shared = shareLooks(async () => String(++taken), 10, closing.signal);
    const [one, other] = [new AbortController(), new AbortController()];
    const heard: string[][] = [[], []];
    shared.watch((look) => heard[0]?.push(look), one.signal);
    shared.watch((look) => heard[1]?.push(look), other.signal);
    await expect.poll(() => taken).toBeGreaterThan(2);
    expect(heard[0]).toEqual(heard[1]);
    one.abort();
    other.abort();
    let before = -1;
    const grown = () => {
      const by = taken - before;
      before = taken;
      return by;
    };
    await expect.poll(grown).toBe(0);
    expect(heard[0]?.[0]).toBe("1");
    closing.abort();
  });

  it("that fails is left out, and the next one comes", async () => {
    const closing = new AbortController();
    let taken = 0;
    const shared = shareLooks(
      async () => {
        taken += 1;
        if (taken === 1) throw new Error("away");
        return "there";
      },
      5,
      closing.signal,
    );
    const heard = await new Promise<string>((resolve) => shared.watch(resolve, closing.signal));
    expect(heard).toBe("there");
    closing.abort();
  });
});
