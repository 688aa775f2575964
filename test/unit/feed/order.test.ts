import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Candidate,
  type Deficits,
  defaultFeedPolicy,
  type FeedPolicy,
  feedOrder,
} from "../../../src/feed/order.ts";

const policy: FeedPolicy = { quantumTokens: 1_000, ageingMs: 30_000 };

const candidate = fc.record({
  tenant: fc.constantFrom("a", "b", "c", "d"),
  priority: fc.constantFrom(1, 2, 3),
  estTokens: fc.integer({ min: 1, max: 5_000 }),
  waitedMs: fc.oneof(fc.integer({ min: 0, max: 29_000 }), fc.integer({ min: 30_001, max: 600_000 })),
});
const candidates = fc
  .array(candidate, { maxLength: 80 })
  .map((rows) => rows.map((row, at) => ({ ...row, id: `r${at}` })));
const young = candidates.map((rows) => rows.map((row) => ({ ...row, waitedMs: 0 })));
const room = fc.integer({ min: 0, max: 60 });

const ids = (placed: readonly { readonly row: Candidate }[]) => placed.map(({ row }) => row.id);

describe("one round", () => {
  it("fills the room, never more, and takes nothing twice", () => {
    fc.assert(
      fc.property(candidates, room, (rows, places) => {
        const placed = ids(feedOrder(rows, places, new Map(), policy));
        expect(placed).toHaveLength(Math.min(places, rows.length));
        expect(new Set(placed).size).toBe(placed.length);
      }),
    );
  });

  it("serves classes strictly in order while nothing has aged", () => {
    fc.assert(
      fc.property(young, room, (rows, places) => {
        const placed = feedOrder(rows, places, new Map(), policy).map(({ row }) => row.priority);
        expect(placed).toEqual([...placed].sort());
        const expected = rows.map((row) => row.priority).sort();
        expect(placed).toEqual(expected.slice(0, placed.length));
      }),
    );
  });

  it("lets rows that have aged travel as interactive ones in at most a tenth of the places, but always in one", () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 60 }), (rows, places) => {
        const placed = feedOrder(rows, places, new Map(), policy);
        const overtaking = placed.filter(({ row, priority }) => priority < row.priority);
        const aged = rows.filter((row) => row.priority > 1 && row.waitedMs > policy.ageingMs);
        expect(overtaking).toHaveLength(Math.min(aged.length, Math.max(1, Math.floor(places / 10))));
        for (const { row, priority } of overtaking) {
          expect(row.waitedMs).toBeGreaterThan(policy.ageingMs);
          expect(priority).toBe(1);
        }
      }),
    );
  });

  it("lets the oldest of the aged go first", () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 60 }), (rows, places) => {
        const overtaking = feedOrder(rows, places, new Map(), policy).filter(
          ({ row, priority }) => priority < row.priority,
        );
        const oldest = rows
          .filter((row) => row.priority > 1 && row.waitedMs > policy.ageingMs)
          .map((row) => row.waitedMs)
          .sort((one, other) => other - one);
        expect(overtaking.map(({ row }) => row.waitedMs)).toEqual(oldest.slice(0, overtaking.length));
      }),
    );
  });

  it("keeps the order within a tenant's class", () => {
    fc.assert(
      fc.property(young, room, (rows, places) => {
        const placed = feedOrder(rows, places, new Map(), policy);
        for (const tenant of ["a", "b", "c", "d"]) {
          for (const priority of [1, 2, 3]) {
            const own = (row: Candidate) => row.tenant === tenant && row.priority === priority;
            const taken = placed.filter(({ row }) => own(row)).map(({ row }) => row.id);
            expect(taken).toEqual(
              rows
                .filter(own)
                .map((row) => row.id)
                .slice(0, taken.length),
            );
          }
        }
      }),
    );
  });

  it("places a request that is far larger than a turn", () => {
    const giant = { id: "giant", tenant: "a", priority: 3, estTokens: 1_000_000, waitedMs: 0 };
    expect(ids(feedOrder([giant], 10, new Map(), defaultFeedPolicy))).toEqual(["giant"]);
  });
});

/** Endless backlogs of one class: what each tenant was served over many rounds, in tokens. */
function serve(
  sizes: Readonly<Record<string, readonly number[]>>,
  rooms: readonly number[],
  deficits: Deficits = new Map(),
): ReadonlyMap<string, number> {
  const served = new Map(Object.keys(sizes).map((tenant) => [tenant, 0]));
  const next = new Map(Object.keys(sizes).map((tenant) => [tenant, 0]));
  for (const places of rooms) {
    // As the ledger answers: the heads of every tenant, as many as there is room.
    const heads = Object.entries(sizes).flatMap(([tenant, cycle]) =>
      Array.from({ length: places }, (_, at): Candidate => {
        const no = (next.get(tenant) ?? 0) + at;
        return { id: `${tenant}${no}`, tenant, priority: 3, estTokens: cycle[no % cycle.length] ?? 1, waitedMs: 0 };
      }),
    );
    for (const { row } of feedOrder(heads, places, deficits, policy)) {
      served.set(row.tenant, (served.get(row.tenant) ?? 0) + row.estTokens);
      next.set(row.tenant, (next.get(row.tenant) ?? 0) + 1);
    }
  }
  return served;
}

describe("many rounds", () => {
  const cycle = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 8 });
  const backlogs = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e"), cycle, { minKeys: 2, maxKeys: 5 });
  const rooms = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 60 });

  it("serve backlogged tenants equally in tokens, to within a turn and two requests (the bound of the paper)", () => {
    fc.assert(
      fc.property(backlogs, rooms, (sizes, places) => {
        const served = [...serve(sizes, places).values()];
        const largest = Math.max(...Object.values(sizes).flat());
        expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(policy.quantumTokens + 2 * largest);
      }),
      { numRuns: 300 },
    );
  });

  it("do not let a tenant of tiny requests fill every round, however little room there is", () => {
    const served = serve({ a: [10], b: [10], z: [10] }, Array(600).fill(4));
    for (const tokens of served.values()) expect(tokens).toBeGreaterThan(7_000);
  });

  it("save up no credit for a tenant that had nothing to send", () => {
    const deficits: Deficits = new Map();
    serve({ a: [100] }, Array(200).fill(20), deficits);
    const served = serve({ a: [100], b: [100] }, Array(40).fill(10), deficits);
    expect(Math.abs((served.get("a") ?? 0) - (served.get("b") ?? 0))).toBeLessThanOrEqual(policy.quantumTokens + 200);
  });

  it("keep the turns of one class apart from those of another", () => {
    const deficits: Deficits = new Map();
    const row = (id: string, tenant: string, priority: number): Candidate => ({
      id,
      tenant,
      priority,
      estTokens: 900,
      waitedMs: 0,
    });
    let bulkOfA = 0;
    let bulkOfB = 0;
    for (let round = 0; round < 300; round += 1) {
      const bulk = ["a", "b"].flatMap((tenant) =>
        Array.from({ length: 6 }, (_, at) => row(`${tenant}${round}-${at}`, tenant, 3)),
      );
      const placed = feedOrder([row(`i${round}`, "a", 1), ...bulk], 6, deficits, policy);
      bulkOfA += placed.filter((entry) => entry.row.priority === 3 && entry.row.tenant === "a").length;
      bulkOfB += placed.filter((entry) => entry.row.priority === 3 && entry.row.tenant === "b").length;
    }
    expect(Math.abs(bulkOfA - bulkOfB)).toBeLessThanOrEqual(3);
  });

  it("let aged rows move on under a flood of a higher class", () => {
    const deficits: Deficits = new Map();
    const waiting = Array.from({ length: 30 }, (_, at): Candidate => {
      return { id: `old${at}`, tenant: "slow", priority: 3, estTokens: 10, waitedMs: 60_000 + at };
    });
    let left: readonly Candidate[] = waiting;
    for (let round = 0; round < 30; round += 1) {
      const flood = Array.from({ length: 20 }, (_, at): Candidate => {
        return { id: `new${round}-${at}`, tenant: "fast", priority: 1, estTokens: 10, waitedMs: 0 };
      });
      const placed = new Set(ids(feedOrder([...flood, ...left], 10, deficits, policy)));
      left = left.filter((row) => !placed.has(row.id));
    }
    expect(left).toEqual([]);
  });
});
