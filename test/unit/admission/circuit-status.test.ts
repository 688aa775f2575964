import { describe, expect, it } from "vitest";
import { circuitStatus, type KeptState, poolTimeUs } from "../../../src/admission/circuit-status.ts";

/** A hundred seconds after the beginning of 2025. */
const nowUs = 100_000_000;
const kept = (circuit: Readonly<Record<string, string>>, more: Partial<KeptState> = {}): KeptState => ({
  circuit,
  provider: { iso: null, off: null },
  pool: { shift: null, lt: null, pu: null },
  time: [1_735_689_700, 0],
  ...more,
});
const statusOf = (circuit: Readonly<Record<string, string>>, more: Partial<KeptState> = {}) =>
  circuitStatus("anthropic", "anthropic/claude-haiku-4-5", kept(circuit, more));

describe("the pool's time", () => {
  it("is Redis' with the shift that was found out, and never before the newest time seen", () => {
    const { time } = kept({});
    expect(poolTimeUs({ time, pool: { shift: null, lt: null, pu: null } })).toBe(nowUs);
    expect(poolTimeUs({ time, pool: { shift: "-5000000.5", lt: null, pu: null } })).toBe(nowUs - 5_000_000.5);
    expect(poolTimeUs({ time, pool: { shift: "0", lt: "100000007", pu: null } })).toBe(nowUs + 7);
  });
});

describe("the status of a circuit", () => {
  it("is open until a time, and then until a call finds out", () => {
    expect(statusOf({ st: "open", un: "142000000", cg: "82000000", why: "5 failures in a row" })).toMatchObject({
      state: "open",
      openForMs: 42_000,
      sinceMs: 18_000,
      reason: "5 failures in a row",
    });
    expect(statusOf({ st: "open", un: "90000000" })).toMatchObject({ state: "open", openForMs: 0 });
    expect(statusOf({ st: "half", un: "90000000" })).toMatchObject({ state: "half-open", openForMs: undefined });
  });

  it("lets switches of the provider win over its own, the credential before all", () => {
    const own = { st: "open", un: "142000000", iso: "odd answers" };
    expect(statusOf(own)).toMatchObject({ state: "isolated", reason: "odd answers", wholeProvider: false });
    expect(statusOf(own, { provider: { iso: "maintenance", off: null } })).toMatchObject({
      state: "isolated",
      reason: "maintenance",
      wholeProvider: true,
    });
    expect(statusOf(own, { provider: { iso: "maintenance", off: "no credit" } })).toMatchObject({
      state: "credential-off",
      reason: "no credit",
      openForMs: undefined,
    });
  });

  it("counts calls of the last ten seconds only, in a window of any length", () => {
    const counted = { at0: "100", ok0: "3", no0: "1", at1: "91", ok1: "5", no1: "0", at12: "90", ok12: "7", no12: "7" };
    expect(statusOf(counted)).toMatchObject({ calls: 9, failures: 1 });
  });

  it("ramps up for three seconds after it closed", () => {
    expect(statusOf({ rs: "97000001", ra: "4" })).toMatchObject({ state: "closed", ramping: true });
    expect(statusOf({ rs: "97000000", ra: "4" })).toMatchObject({ ramping: false });
  });

  it("is paused by the longer of its own pause and its pool's", () => {
    const pool = { shift: null, lt: null, pu: "103000000" };
    expect(statusOf({ pu: "101500000" }, { pool })).toMatchObject({ pausedForMs: 3_000 });
    expect(statusOf({ pu: "109000000" }, { pool })).toMatchObject({ pausedForMs: 9_000 });
    expect(statusOf({ pu: "99000000" })).toMatchObject({ pausedForMs: 0 });
  });
});
