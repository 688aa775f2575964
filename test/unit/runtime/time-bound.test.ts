import { describe, expect, it } from "vitest";
import { withinTime } from "../../../src/runtime/time-bound.ts";

describe("work within a time", () => {
  it("is done, with what it changes", () => {
    let sum = 0;
    withinTime(1_000, () => {
      for (let at = 1; at <= 10; at += 1) sum += at;
    });
    expect(sum).toBe(55);
  });

  it("throws what the work throws", () => {
    const error = new RangeError("ours");
    expect(() =>
      withinTime(1_000, () => {
        throw error;
      }),
    ).toThrow(error);
  });

  it("is broken off, in a loop as in a pattern", () => {
    const broken = expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" });
    expect(() =>
      withinTime(20, () => {
        for (;;);
      }),
    ).toThrow(broken);
    expect(() => withinTime(20, () => void /^(a+)+$/.test(`${"a".repeat(60)}!`))).toThrow(broken);
  });

  it("is done again after work that was broken off", () => {
    let done = false;
    expect(() =>
      withinTime(20, () => {
        for (;;);
      }),
    ).toThrow();
    withinTime(1_000, () => {
      done = true;
    });
    expect(done).toBe(true);
  });

  it("may hold other work of the kind", () => {
    const order: string[] = [];
    withinTime(1_000, () => {
      withinTime(1_000, () => void order.push("inner"));
      order.push("outer");
    });
    expect(order).toEqual(["inner", "outer"]);
  });
});
