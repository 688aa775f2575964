import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bookedAheadMs } from "../../../src/attempt/admit.ts";
import { type Entry, type Gate, openGate, shortWaitMs } from "../../../src/queue/gate.ts";

/** So much before its time the gate opens. */
const leadMs = 150;

/** A gate on a clock that the test moves. */
function gateAt(startMs = 0) {
  const clock = { ms: startMs };
  return { clock, gate: openGate(() => clock.ms) };
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

describe("the gate of a lane", () => {
  it("is open at first, and stays open after short waits", async () => {
    const { gate } = gateAt();
    expect(await gate.enter()).toEqual({ admitted: true });
    gate.learned(shortWaitMs);
    expect(await gate.enter()).toEqual({ admitted: true });
  });

  it("closes for a wait that is not booked, and opens early: what is fetched too early is booked", async () => {
    const { gate, clock } = gateAt();
    gate.learned(shortWaitMs + 1);
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: shortWaitMs + 1 - leadMs });
    gate.learned(1_000);
    clock.ms = 400;
    expect(await gate.enter()).toEqual({ admitted: false, waitMs: 600 - leadMs });
    clock.ms = 1_000 - leadMs;
    expect(await gate.enter()).toEqual({ admitted: true });
  });

  it("is open for every wait that a worker books and sleeps in its slot", async () => {
    const { gate } = gateAt();
    gate.learned(bookedAheadMs);
    expect(await gate.enter()).toEqual({ admitted: true });
    expect(leadMs).toBeLessThan(bookedAheadMs);
  });

  it("lets one slot ahead when the time has come, and the others wait for what it learns", async () => {
    const { gate, clock } = gateAt();
    gate.learned(1_000);
    clock.ms = 1_000;
    expect(await gate.enter()).toEqual({ admitted: true });
    const others = await Promise.all([entering(gate), entering(gate), entering(gate)]);
    for (const other of others) expect(await other()).toBe("waiting");
    gate.learned(0);
    for (const other of others) expect(await other()).toEqual({ admitted: true });
  });

  it("turns the others away when the one that went ahead was refused", async () => {
    const { gate, clock } = gateAt();
    gate.learned(1_000);
    clock.ms = 1_000;
    await gate.enter();
    const other = await entering(gate);
    gate.learned(2_000);
    expect(await other()).toEqual({ admitted: false, waitMs: 2_000 - leadMs });
  });

  it("sends the next one ahead when the first ended without asking the limiter", async () => {
    const { gate, clock } = gateAt();
    gate.learned(1_000);
    clock.ms = 1_000;
    await gate.enter();
    const [second, third] = await Promise.all([entering(gate), entering(gate)]);
    gate.released();
    expect(await second?.()).toEqual({ admitted: true });
    expect(await third?.()).toBe("waiting");
  });

  it("lets every slot in or tells it how long to wait, whatever is learned in between: nobody waits for ever", async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("enter" as const) }),
      fc.record({ type: fc.constant("learned" as const), ms: fc.constantFrom(0, 100, 300, 1_000) }),
      fc.record({ type: fc.constant("released" as const) }),
      fc.record({ type: fc.constant("later" as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { gate, clock } = gateAt();
        const entered: Promise<Entry>[] = [];
        for (const one of steps) {
          if (one.type === "enter") entered.push(gate.enter());
          else if (one.type === "learned") gate.learned(one.ms);
          else if (one.type === "released") gate.released();
          else clock.ms += one.ms;
        }
        // Every slot that is inside ends at last, as the consumer does in its `finally`.
        for (let slot = 0; slot < entered.length; slot += 1) {
          gate.released();
          await new Promise((resolve) => setImmediate(resolve));
        }
        for (const entry of await Promise.all(entered)) {
          if (!entry.admitted) expect(entry.waitMs).toBeGreaterThan(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});
