import { describe, expect, it } from "vitest";
import { headroomOf, scarcestWords } from "../../../producers/cli/headroom.ts";
import type { StoredReading } from "../../../src/ledger/limit-readings.ts";

const at = 1_000_000;
const reading = (more: Partial<StoredReading>): StoredReading => ({
  pool: "openai.gpt-5",
  dimension: "requests",
  limit: 50,
  remaining: 12,
  resetMs: 30_000,
  observedAt: new Date(at),
  followed: null,
  ...more,
});

describe("the headroom of a pool", () => {
  it("is what is left of a limit", () => {
    expect(headroomOf([reading({})], at)).toEqual([{ lane: "openai.gpt-5", dimension: "requests", share: 0.24 }]);
  });

  it("is all of it when the provider's time for that has passed", () => {
    expect(headroomOf([reading({})], at + 29_999)).toMatchObject([{ share: 0.24 }]);
    expect(headroomOf([reading({})], at + 30_000)).toMatchObject([{ share: 1 }]);
    expect(headroomOf([reading({ resetMs: null })], at + 30_000)).toMatchObject([{ share: 0.24 }]);
  });

  it("is unknown, not nothing, where a number is missing", () => {
    const missing = [{ limit: null }, { remaining: null }, { limit: 0 }];
    expect(headroomOf(missing.map(reading), at)).toEqual([]);
    expect(scarcestWords([])).toBeUndefined();
  });

  it("is between nothing and all, whatever a provider says", () => {
    const odd = [{ remaining: -3 }, { remaining: 80 }];
    expect(headroomOf(odd.map(reading), at)).toMatchObject([{ share: 0 }, { share: 1 }]);
  });

  it("is said of what is scarcest", () => {
    const rooms = headroomOf([reading({}), reading({ dimension: "tokens", limit: 1_000, remaining: 19 })], at);
    expect(scarcestWords(rooms)).toBe("1 % of tokens");
  });
});
