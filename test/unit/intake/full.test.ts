import { describe, expect, it } from "vitest";
import { backlogSchema } from "../../../src/config/backlog.ts";
import { fullRefusal, retryAfterSeconds } from "../../../src/intake/full.ts";
import { asksOf, type Full } from "../../../src/ledger/open-counts.ts";

const full = (more: Partial<Full> = {}): Full => ({
  tenant: undefined,
  asked: 1,
  most: 100,
  open: 100,
  endedPerSecond: undefined,
  ...more,
});

describe("a full backlog says when to come again", () => {
  it.each([
    ["as soon as one more has ended, and never before a second has passed", { endedPerSecond: 50 }, 1],
    ["when as many have ended as are too many", { open: 180, asked: 20, endedPerSecond: 4 }, 25],
    ["in five minutes at the latest", { open: 1_000_000, endedPerSecond: 0.5 }, 300],
    ["in half a minute when nothing ends", { endedPerSecond: 0 }, 30],
    ["in half a minute when nobody knows how fast it drains", {}, 30],
  ])("%s", (_when, more, seconds) => {
    expect(retryAfterSeconds(full(more))).toBe(seconds);
  });
});

describe("a full backlog says", () => {
  it("whose bound it is, what it is, how many are open and what to do", () => {
    expect(fullRefusal(full({ asked: 3 }))).toEqual({
      code: "backlog_full",
      message:
        "The backlog is full: 100 may be open, 100 are, and 3 more were handed in. Nothing of it was stored. Come again in 30 s, or raise backlog.maxOpen in millrace.yaml.",
      retryAfterSeconds: 30,
    });
    expect(fullRefusal(full({ tenant: "acme" }))).toMatchObject({
      code: "tenant_backlog_full",
      message: expect.stringMatching(/tenant "acme" is full.*1 more was handed in.*backlog\.tenants/),
    });
  });

  it("that coming again does not help when more is asked than the bound ever lets in", () => {
    expect(fullRefusal(full({ asked: 101, open: 0 })).message).toMatch(/never fit at once: hand in fewer/);
  });
});

describe("bounds", () => {
  const asked = new Map([
    ["acme", 2],
    ["big", 3],
    ["free", 4],
  ]);

  it("are asked for what is new: the fleet's for all, each tenant's own for its part", () => {
    const bounds = backlogSchema.parse({
      maxOpen: 100,
      maxOpenPerTenant: 10,
      tenants: { big: { maxOpen: 50 }, free: { maxOpen: null } },
    });
    expect(asksOf(bounds, asked)).toEqual([
      { tenant: undefined, asked: 9, most: 100 },
      { tenant: "acme", asked: 2, most: 10 },
      { tenant: "big", asked: 3, most: 50 },
    ]);
  });

  it("are none unless they are set, and ask for nothing when nothing is new", () => {
    expect(asksOf(backlogSchema.parse({}), asked)).toEqual([]);
    expect(asksOf(backlogSchema.parse({ maxOpen: 1 }), new Map())).toEqual([]);
  });

  it("are not found in what every object has", () => {
    const bounds = backlogSchema.parse({ maxOpenPerTenant: 10 });
    expect(asksOf(bounds, new Map([["constructor", 1]]))).toEqual([{ tenant: "constructor", asked: 1, most: 10 }]);
  });
});
