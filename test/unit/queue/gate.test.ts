import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bookedAheadMs } from "../../../src/attempt/admit.ts";
import { type Entry, type Gate, openGate, type Pass, shortWaitMs } from "../../../src/queue/gate.ts";

/** So much before its time the gate opens; so long a slot waits at it; so many are let in at first. */
const leadMs = 150;
const patienceMs = 2_000;
const firstRoom = 8;

/** Sleeps by the test's clock: each ends when the clock has come to its time. */
const time = vi.hoisted(() => ({ ms: 0, sleepers: [] as { readonly at: number; readonly wake: () => void }[] }));
vi.mock("node:timers/promises", () => ({
  setTimeout: (ms: number) => new Promise<void>((wake) => time.sleepers.push({ at: time.ms + ms, wake })),
}));

const gateNow = () => {
  time.ms = 0;
  time.sleepers = [];
  return openGate(() => time.ms);
};
function pass(ms: number): void {
  time.ms += ms;
  const due = time.sleepers.filter((sleeper) => sleeper.at <= time.ms);
  time.sleepers = time.sleepers.filter((sleeper) => sleeper.at > time.ms);
  for (const sleeper of due) sleeper.wake();
}
/** Whatever can happen without the clock has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A slot at the gate: what it was told by now, or "waiting". */
async function slotAt(gate: Gate) {
  let entry: Entry | "waiting" = "waiting";
  void gate.enter().then((told) => {
    entry = told;
  });
  await settled();
  return {
    told: async () => {
      await settled();
      return entry;
    },
  };
}
async function slotIn(gate: Gate): Promise<Pass> {
  const entry = await (await slotAt(gate)).told();
  if (entry === "waiting" || !entry.admitted) throw new Error("not let in");
  return entry.pass;
}
const isIn = { admitted: true };

/** A grant with so many more that could go at once, or after which the next one waits; and a refusal. */
const free = (more: number) => ({ isGranted: true, waitMs: 0, eachMs: 10, more });
const booked = (waitMs: number, eachMs: number) => ({ isGranted: true, waitMs, eachMs, more: 0 });
const refused = (waitMs: number) => ({ isGranted: false, waitMs, eachMs: 0, more: 0 });
/** A slot that is refused ends: its row goes back. */
async function turnedAway(gate: Gate, waitMs: number): Promise<void> {
  const slot = await slotIn(gate);
  slot.learned(refused(waitMs));
  slot.left();
}

describe("the gate of a lane", () => {
  it("lets a few in at first, and then its share of what could go at once", async () => {
    const gate = gateNow();
    const inside = await Promise.all(Array.from({ length: firstRoom }, () => slotIn(gate)));
    const others = await Promise.all(Array.from({ length: 30 }, () => slotAt(gate)));
    for (const other of others) expect(await other.told()).toBe("waiting");
    inside[0]?.learned(free(100));
    const told = await Promise.all(others.map((other) => other.told()));
    // A quarter of a hundred, seven of which are inside.
    expect(told.filter((entry) => entry !== "waiting")).toHaveLength(25 - 7);
  });

  it("lets in as many at once as the limiter books within a short wait, and more as those are decided", async () => {
    const gate = gateNow();
    (await slotIn(gate)).learned(booked(50, 100));
    const inside = [await slotIn(gate), await slotIn(gate)];
    const waiting = await slotAt(gate);
    expect(await waiting.told()).toBe("waiting");
    inside[0]?.learned(booked(50, 100));
    expect(await waiting.told()).toMatchObject(isIn);
  });

  it("closes for a long wait and says how long; it opens early, for what is claimed too early is booked", async () => {
    const gate = gateNow();
    await turnedAway(gate, 10_000);
    pass(1_000);
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 9_000 - leadMs });
    pass(9_000 - leadMs);
    await slotIn(gate);
  });

  it("keeps a slot waiting with its job in hand where it opens soon", async () => {
    const gate = gateNow();
    await turnedAway(gate, patienceMs + leadMs + 1);
    expect(await gate.enter()).toMatchObject({ admitted: false });
    pass(1);
    const slot = await slotAt(gate);
    pass(patienceMs - 1);
    expect(await slot.told()).toBe("waiting");
    pass(1);
    expect(await slot.told()).toMatchObject(isIn);
  });

  it("is open for every wait that a worker books and sleeps in its slot, and closed for the next longer one", async () => {
    const gate = gateNow();
    (await slotIn(gate)).learned(booked(bookedAheadMs, 100));
    (await slotIn(gate)).learned(booked(bookedAheadMs + 1, 100));
    expect(await (await slotAt(gate)).told()).toBe("waiting");
    expect([bookedAheadMs, leadMs < bookedAheadMs]).toEqual([shortWaitMs, true]);
  });

  it("lets one slot ahead when the time has come, and the others wait for what it learns", async () => {
    const gate = gateNow();
    await turnedAway(gate, 1_000);
    pass(1_000);
    const ahead = await slotIn(gate);
    const others = [await slotAt(gate), await slotAt(gate)];
    for (const other of others) expect(await other.told()).toBe("waiting");
    ahead.learned(free(100));
    for (const other of others) expect(await other.told()).toMatchObject(isIn);
  });

  it("turns the others away when the one that went ahead has long to wait", async () => {
    const gate = gateNow();
    await turnedAway(gate, 1_000);
    pass(1_000);
    const ahead = await slotIn(gate);
    const other = await slotAt(gate);
    ahead.learned(refused(5_000));
    expect(await other.told()).toEqual({ admitted: false, waitMs: 5_000 - leadMs });
  });

  it("sends the next one ahead when the first ended without asking the limiter", async () => {
    const gate = gateNow();
    await turnedAway(gate, 1_000);
    pass(1_000);
    const ahead = await slotIn(gate);
    const [second, third] = [await slotAt(gate), await slotAt(gate)];
    ahead.left();
    expect(await second.told()).toMatchObject(isIn);
    expect(await third.told()).toBe("waiting");
  });

  it("counts a slot once, however often it says that it is decided", async () => {
    const gate = gateNow();
    const first = await slotIn(gate);
    first.learned(booked(150, 100));
    first.left();
    first.left();
    await slotIn(gate);
    expect(await (await slotAt(gate)).told()).toBe("waiting");
  });

  it("turns everybody away once it is shut, and those who wait with them", async () => {
    const gate = gateNow();
    await turnedAway(gate, 1_000);
    const waiting = await slotAt(gate);
    gate.shut();
    expect(await waiting.told()).toEqual({ admitted: false, waitMs: 0 });
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 0 });
  });

  it("lets every slot in or tells it how long to wait, whatever is learned in between: nobody waits for ever", async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("enter" as const) }),
      fc.record({
        type: fc.constant("learned" as const),
        news: fc.record({
          isGranted: fc.boolean(),
          waitMs: fc.constantFrom(0, 100, 240, 300, 1_000, 9_000),
          eachMs: fc.constantFrom(0, 10, 1_000),
          more: fc.constantFrom(0, 1, 50, Number.POSITIVE_INFINITY),
        }),
      }),
      fc.record({ type: fc.constant("left" as const) }),
      fc.record({ type: fc.constant("later" as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const gate = gateNow();
        const inside: Pass[] = [];
        const entries: Entry[] = [];
        let slots = 0;
        for (const one of steps) {
          if (one.type === "enter") {
            slots += 1;
            void gate.enter().then((entry) => {
              entries.push(entry);
              if (entry.admitted) inside.push(entry.pass);
            });
          } else if (one.type === "learned") inside.at(-1)?.learned(one.news);
          else if (one.type === "left") inside.pop()?.left();
          else pass(one.ms);
          await settled();
        }
        // Every slot that is inside ends at last, as the consumer does in its `finally`, and time goes on.
        for (let slot = 0; slot <= slots && entries.length < slots; slot += 1) {
          for (const one of inside.splice(0)) one.left();
          pass(10_000);
          await settled();
        }
        expect(entries).toHaveLength(slots);
        for (const entry of entries) if (!entry.admitted) expect(entry.waitMs).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});
