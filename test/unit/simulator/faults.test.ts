import { describe, expect, test } from "vitest";
import { createFaultQueue, type FaultOrder, faultSchema } from "../../../src/simulator/faults.ts";

const call = { vendor: "anthropic", model: "claude-haiku-4-5", text: "What is a mill?", stream: false } as const;

function queueWith(...orders: readonly FaultOrder[]) {
  const clock = { ms: 0, now: () => clock.ms };
  const queue = createFaultQueue(7, clock);
  queue.order(orders.map((order) => faultSchema.parse(order)));
  /** The kinds that so many calls meet, one after the other. */
  const met = (times: number, target: Parameters<typeof queue.find>[0] = call) =>
    Array.from({ length: times }, () => {
      const rule = queue.find(target);
      if (rule !== undefined) queue.spend(rule);
      return rule?.fault.kind;
    });
  return { clock, queue, met };
}

describe("a queue of faults", () => {
  test("applies rules in the order they were given, each once unless it says otherwise", () => {
    const { met } = queueWith({ kind: "server-error", times: 2 }, { kind: "overloaded" });
    expect(met(4)).toEqual(["server-error", "server-error", "overloaded", undefined]);
  });

  test("keeps a rule that was found and not spent", () => {
    const { queue, met } = queueWith({ kind: "slow", ms: 5 });
    expect(queue.find(call)?.fault.kind).toBe("slow");
    expect(met(2)).toEqual(["slow", undefined]);
  });

  test.each<[string, FaultOrder]>([
    ["provider", { kind: "hang", provider: "openai" }],
    ["model", { kind: "hang", model: "claude-opus-5-5" }],
    ["text", { kind: "hang", match: "windmill" }],
    ["streaming", { kind: "stream-error" }],
  ])("passes by a call of another %s and waits for its own", (_, order) => {
    const { met } = queueWith(order, { kind: "overloaded" });
    expect(met(1)).toEqual(["overloaded"]);
    const own = { vendor: "openai", model: "claude-opus-5-5", text: "a windmill", stream: true } as const;
    expect(met(1, own)).toEqual([order.kind]);
  });

  test("ends a rule when its time is over", () => {
    const { clock, met } = queueWith({ kind: "unavailable", forMs: 100 });
    expect(met(2)).toEqual(["unavailable", "unavailable"]);
    clock.ms = 99;
    expect(met(1)).toEqual(["unavailable"]);
    clock.ms = 100;
    expect(met(1)).toEqual([undefined]);
  });

  test("strikes by chance about as often as ordered, and the same calls every time", () => {
    const order = { kind: "server-error", probability: 0.3 } as const;
    const first = queueWith(order).met(2_000);
    expect(first).toEqual(queueWith(order).met(2_000));
    const share = first.filter((kind) => kind !== undefined).length / first.length;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
  });

  test("tells what is still to come, and forgets it when told to", () => {
    const { queue, met } = queueWith({ kind: "auth", times: 3 });
    met(1);
    expect(queue.pending()).toEqual([{ fault: { kind: "auth", times: 3 }, timesLeft: 2 }]);
    queue.clear();
    expect(queue.pending()).toEqual([]);
  });
});
