import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WindowShape } from "../../../src/simulator/allowance.ts";
import { createWindow } from "../../../src/simulator/window.ts";

const bornAtMs = Date.parse("2026-11-18T11:06:40Z");
const minute: WindowShape = { kind: "window", units: 100, lengthMs: 60_000, phaseMs: 0, told: 100 };
const open = (shape: WindowShape) => createWindow("tokens", shape, 0, bornAtMs);

const shapes = fc.record({
  kind: fc.constant("window" as const),
  units: fc.integer({ min: 1, max: 200 }),
  lengthMs: fc.constantFrom(1_000, 10_000, 60_000),
  phaseMs: fc.nat(90_000),
  told: fc.constant(1),
});
const arrivals = fc.array(
  fc.record({ afterMs: fc.oneof(fc.constant(0), fc.nat(15_000)), units: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 200 },
);

interface Taken {
  readonly atMs: number;
  readonly units: number;
}

function admitted(shape: WindowShape, list: readonly { afterMs: number; units: number }[]): Taken[] {
  const allowance = open(shape);
  let nowMs = bornAtMs;
  return list.flatMap(({ afterMs, units }) => {
    nowMs += afterMs;
    if (allowance.waitMsFor(units, nowMs) > 0) return [];
    allowance.charge(units, nowMs);
    return [{ atMs: nowMs, units }];
  });
}

/** What was taken since the last edge, found by walking edge by edge instead of by division. */
function takenInWindow(taken: readonly Taken[], shape: WindowShape, nowMs: number): number {
  let edgeMs = shape.phaseMs + shape.lengthMs * Math.floor((bornAtMs - 200_000) / shape.lengthMs);
  while (edgeMs + shape.lengthMs <= nowMs) edgeMs += shape.lengthMs;
  return taken.reduce((sum, { atMs, units }) => (atMs >= edgeMs ? sum + units : sum), 0);
}

describe("a windowed limit", () => {
  test("admits exactly what a list of everything taken has room for", () => {
    fc.assert(
      fc.property(shapes, arrivals, (shape, list) => {
        const expected: Taken[] = [];
        let nowMs = bornAtMs;
        for (const { afterMs, units } of list) {
          nowMs += afterMs;
          if (takenInWindow(expected, shape, nowMs) + units <= shape.units) expected.push({ atMs: nowMs, units });
        }
        expect(admitted(shape, list)).toEqual(expected);
      }),
    );
  });

  test("admits no more than its limit in any calendar minute", () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const byMinute = new Map<string, number>();
        for (const { atMs, units } of admitted(minute, list)) {
          const name = new Date(atMs).toISOString().slice(0, "2026-11-18T11:06".length);
          byMinute.set(name, (byMinute.get(name) ?? 0) + units);
        }
        for (const units of byMinute.values()) expect(units).toBeLessThanOrEqual(minute.units);
      }),
    );
  });

  test("names the first millisecond at which the units are there", () => {
    fc.assert(
      fc.property(shapes, fc.nat(200_000), fc.integer({ min: 1, max: 250 }), (shape, afterMs, units) => {
        const allowance = open(shape);
        const nowMs = bornAtMs + afterMs;
        allowance.charge(shape.units, nowMs);
        const waitMs = allowance.waitMsFor(units, nowMs);
        if (units > shape.units) {
          expect(waitMs).toBe(Number.POSITIVE_INFINITY);
          return;
        }
        expect(waitMs).toBe(allowance.fullInMs(nowMs));
        expect(allowance.waitMsFor(units, nowMs + waitMs - 1)).toBe(1);
        expect(allowance.waitMsFor(units, nowMs + waitMs)).toBe(0);
      }),
    );
  });

  test("takes a refund in the window of its charge only, and never below nothing used", () => {
    const allowance = open(minute);
    allowance.charge(80, bornAtMs);
    allowance.giveBack(30, bornAtMs, bornAtMs + 19_999);
    expect(allowance.left(bornAtMs + 19_999)).toBe(50);
    allowance.giveBack(90, bornAtMs, bornAtMs + 19_999);
    expect(allowance.left(bornAtMs + 19_999)).toBe(100);
    allowance.charge(60, bornAtMs + 20_000);
    allowance.giveBack(60, bornAtMs, bornAtMs + 20_000);
    expect(allowance.left(bornAtMs + 20_000)).toBe(40);
  });

  test("leaves debt behind with its window", () => {
    const allowance = open(minute);
    allowance.charge(250, bornAtMs);
    expect(allowance.left(bornAtMs + 19_999)).toBe(-150);
    expect(allowance.left(bornAtMs + 20_000)).toBe(100);
  });

  test("stays in the later window when the clock steps back over an edge", () => {
    const allowance = open(minute);
    allowance.charge(100, bornAtMs + 20_000);
    expect(allowance.waitMsFor(1, bornAtMs)).toBe(80_000);
    expect(allowance.waitMsFor(1, bornAtMs + 79_999)).toBe(1);
  });

  test("keeps what is used under another limit, and is replaced where its edges are others", () => {
    const allowance = open(minute);
    allowance.charge(70, bornAtMs);
    expect(allowance.adopt({ ...minute, units: 50, told: 50 }, bornAtMs)).toBe(true);
    expect([allowance.limit, allowance.left(bornAtMs)]).toEqual([50, -20]);
    expect(allowance.adopt({ ...minute, phaseMs: 1 }, bornAtMs)).toBe(false);
    expect(allowance.adopt({ kind: "bucket", perMinute: 50, burstSeconds: 60 }, bornAtMs)).toBe(false);
  });
});
