import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bookedAheadMs } from "../../../src/attempt/admit.ts";
import { type Entry, type Gate, openGate, type Pass, shortWaitMs } from "../../../src/queue/gate.ts";

/** So much before its time the gate opens. */
const leadMs = 150;

/** A gate on a clock that the test moves. */
function gateAt(startMs = 0) {
  const clock = { ms: startMs };
  return { clock, gate: openGate(() => clock.ms) };
}

/** A slot that is let in. */
async function slotIn(gate: Gate): Promise<Pass> {
  const entry = await gate.enter();
  if (!entry.admitted) throw new Error(`not let in for ${entry.waitMs} ms`);
  return entry.pass;
}

/** What `enter` has answered by now, or "waiting". */
async function entering(gate: Gate): Promise<() => Promise<Entry | "waiting">> {
  let answer: Entry | "waiting" = "waiting";
  void gate.enter().then((entry) => {
    answer = entry;
  });
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return answer;
  };
}
const isIn = { admitted: true };

describe("the gate of a lane", () => {
  it("is open at first for any number, and stays so while the next call could go at once", async () => {
    const { gate } = gateAt();
    const first = await slotIn(gate);
    for (let slot = 0; slot < 50; slot += 1) await slotIn(gate);
    first.learned(0, 0);
    for (let slot = 0; slot < 50; slot += 1) await slotIn(gate);
  });

  it("lets in as many at once as the limiter books within a short wait, and more as those are decided", async () => {
    const { gate } = gateAt();
    (await slotIn(gate)).learned(50, 100);
    const inside = [await slotIn(gate), await slotIn(gate)];
    const waiting = await entering(gate);
    expect(await waiting()).toBe("waiting");
    inside[0]?.learned(50, 100);
    expect(await waiting()).toMatchObject(isIn);
  });

  it("closes for a wait that is not booked, and opens early: what is fetched too early is booked", async () => {
    const { gate, clock } = gateAt();
    (await slotIn(gate)).learned(1_000, 0);
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 1_000 - leadMs });
    clock.ms = 400;
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 600 - leadMs });
    clock.ms = 1_000 - leadMs;
    await slotIn(gate);
  });

  it("is open for every wait that a worker books and sleeps in its slot, and closed for the next longer one", async () => {
    const { gate } = gateAt();
    (await slotIn(gate)).learned(bookedAheadMs, 0);
    (await slotIn(gate)).learned(bookedAheadMs + 1, 0);
    expect(await gate.enter()).toMatchObject({ admitted: false });
    expect([bookedAheadMs, leadMs < bookedAheadMs]).toEqual([shortWaitMs, true]);
  });

  it("lets one slot ahead when the time has come, and the others wait for what it learns", async () => {
    const { gate, clock } = gateAt();
    (await slotIn(gate)).learned(1_000, 0);
    clock.ms = 1_000;
    const ahead = await slotIn(gate);
    const others = await Promise.all([entering(gate), entering(gate), entering(gate)]);
    for (const other of others) expect(await other()).toBe("waiting");
    ahead.learned(0, 0);
    for (const other of others) expect(await other()).toMatchObject(isIn);
  });

  it("turns the others away when the one that went ahead was refused", async () => {
    const { gate, clock } = gateAt();
    (await slotIn(gate)).learned(1_000, 0);
    clock.ms = 1_000;
    const ahead = await slotIn(gate);
    const other = await entering(gate);
    ahead.learned(2_000, 0);
    expect(await other()).toEqual({ admitted: false, waitMs: 2_000 - leadMs });
  });

  it("sends the next one ahead when the first ended without asking the limiter", async () => {
    const { gate, clock } = gateAt();
    (await slotIn(gate)).learned(1_000, 0);
    clock.ms = 1_000;
    const ahead = await slotIn(gate);
    const [second, third] = await Promise.all([entering(gate), entering(gate)]);
    ahead.left();
    expect(await second?.()).toMatchObject(isIn);
    expect(await third?.()).toBe("waiting");
  });

  it("counts a slot once, however often it says that it is decided", async () => {
    const { gate } = gateAt();
    const first = await slotIn(gate);
    first.learned(150, 100);
    first.left();
    first.left();
    await slotIn(gate);
    expect(await (await entering(gate))()).toBe("waiting");
  });

  it("turns everybody away once it is shut, and those who wait with them", async () => {
    const { gate } = gateAt();
    (await slotIn(gate)).learned(200, 100);
    await slotIn(gate);
    const waiting = await entering(gate);
    gate.shut();
    expect(await waiting()).toEqual({ admitted: false, waitMs: 0 });
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 0 });
  });

  it("lets every slot in or tells it how long to wait, whatever is learned in between: nobody waits for ever", async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("enter" as const) }),
      fc.record({
        type: fc.constant("learned" as const),
        ms: fc.constantFrom(0, 100, 240, 300, 1_000),
        eachMs: fc.constantFrom(0, 10, 1_000),
      }),
      fc.record({ type: fc.constant("left" as const) }),
      fc.record({ type: fc.constant("later" as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { gate, clock } = gateAt();
        const inside: Pass[] = [];
        const entered: Promise<Entry>[] = [];
        const enter = () =>
          entered.push(
            gate.enter().then((entry) => {
              if (entry.admitted) inside.push(entry.pass);
              return entry;
            }),
          );
        for (const one of steps) {
          if (one.type === "enter") enter();
          else if (one.type === "learned") inside.at(-1)?.learned(one.ms, one.eachMs);
          else if (one.type === "left") inside.pop()?.left();
          else clock.ms += one.ms;
          await Promise.resolve();
        }
        // Every slot that is inside ends at last, as the consumer does in its `finally`.
        for (let slot = 0; slot <= entered.length; slot += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          for (const pass of inside.splice(0)) pass.left();
        }
        for (const entry of await Promise.all(entered)) {
          if (!entry.admitted) expect(entry.waitMs).toBeGreaterThan(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});
