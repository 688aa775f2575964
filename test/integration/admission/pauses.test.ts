import { describe, expect, test } from "vitest";
import type { Admission } from "../../../src/admission/admission.ts";
import type { Place } from "../../../src/admission/door.ts";
import type { CallOutcome } from "../../../src/request/outcome.ts";
import { useServices } from "../../support/services.ts";
import { askOf, failed, limitOn, opened, permitOf, placeOf, times, usedOf, type World, warm, wordOf } from "./world.ts";

const services = useServices();
const placed = () => placeOf([limitOn("requests", "bucket", 6_000)]);

async function worldOf(place: Place, processes = 3): Promise<World> {
  const world = await opened(services, processes);
  await warm(world, place);
  for (const gate of world.gates) await gate.look(place, askOf());
  return world;
}
async function tell(gate: Admission, place: Place, outcome: CallOutcome): Promise<void> {
  await gate.settle(permitOf(await gate.acquire(place, askOf())), outcome);
}

describe("after the provider said when to come back", () => {
  test.each([1, 800, 5_000, 60_000, 3_600_000, 36_000_000])(
    "no process sends before %i ms are over",
    async (retryAfterMs) => {
      const place = placed();
      const world = await worldOf(place);
      const ask = askOf();
      permitOf(await world.gate.acquire(place, ask));
      await tell(world.gate, place, failed("rate", { retryAfterMs }));
      const untilUs = world.time.us + retryAfterMs * 1_000;
      for (const share of [0, 0.5, 0.999]) {
        world.time.us = Math.floor(untilUs - (1 - share) * retryAfterMs * 1_000);
        for (const gate of world.gates) {
          expect(await gate.acquire(place, askOf())).toMatchObject({ granted: false, blockedBy: "paused" });
          expect(wordOf(await gate.lastLook(place, ask))).toBe("paused");
          const ahead = await gate.acquire(place, askOf({ aheadMs: 250 }));
          if (ahead.granted) expect(world.time.us + ahead.startMs * 1_000).toBeGreaterThanOrEqual(untilUs - 1);
          else expect(ahead.blockedBy).toBe("paused");
        }
      }
      world.time.us = untilUs + 1;
      for (const gate of world.gates) expect(wordOf(await gate.acquire(place, askOf({ aheadMs: 1 })))).toBe("granted");
    },
  );

  test("a refusal names how long it still takes", async () => {
    const place = placed();
    const world = await worldOf(place);
    await tell(world.gate, place, failed("rate", { retryAfterMs: 36_000_000 }));
    world.pass(1_000_000);
    expect(await world.gates[1]?.acquire(place, askOf())).toEqual({
      granted: false,
      blockedBy: "paused",
      waitMs: expect.closeTo(35_000_000, -1),
    });
  });

  test("a shorter pause does not end a longer one", async () => {
    const place = placed();
    const world = await worldOf(place);
    const permits = await Promise.all(times(2, () => world.gate.acquire(place, askOf())));
    for (const [at, retryAfterMs] of [60_000, 1_000].entries()) {
      const verdict = permits[at];
      if (verdict !== undefined) await world.gate.settle(permitOf(verdict), failed("rate", { retryAfterMs }));
    }
    world.pass(59_000);
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("paused");
  });

  test("what is booked is revoked by the last look, and charges nothing", async () => {
    const place = placeOf([limitOn("requests", "bucket", 600)]);
    const world = await worldOf(place);
    await Promise.all(times(52, () => world.gate.acquire(place, askOf())));
    const toFail = permitOf(await world.gate.acquire(place, askOf()));
    const asks = times(2, () => askOf({ aheadMs: 250 }));
    const booked = await Promise.all(asks.map((ask) => world.gates[1]?.acquire(place, ask)));
    for (const verdict of booked) expect(verdict).toMatchObject({ granted: true, startMs: expect.any(Number) });
    await world.gate.settle(toFail, failed("rate", { retryAfterMs: 2_000 }));
    const start = booked[1]?.granted === true ? booked[1].startMs : 0;
    expect(start).toBeGreaterThan(0);
    const before = (await usedOf(world, place))[0] ?? 0;
    world.pass(start);
    for (const ask of asks) {
      expect(await world.gates[2]?.lastLook(place, ask)).toMatchObject({ granted: false, blockedBy: "paused" });
    }
    const refilled = (start / 100) * 0.995;
    expect((await usedOf(world, place))[0]).toBeCloseTo(Math.max(0, before - refilled), 2);
  });

  test("the pool of another model goes on", async () => {
    const place = placed();
    const other = placeOf([limitOn("requests", "bucket", 6_000)], { provider: place.pool.provider });
    const world = await worldOf(place);
    await warm(world, other);
    await tell(world.gate, place, failed("rate", { retryAfterMs: 600_000 }));
    expect(wordOf(await world.gate.acquire(other, askOf()))).toBe("granted");
  });
});

describe("a provider that is busy", () => {
  test("is left alone for as long as it says by its deployment, and by no other", async () => {
    const place = placed();
    const other = { pool: place.pool, deployment: `${place.deployment}.eu` };
    const world = await worldOf(place);
    await tell(world.gate, place, failed("capacity", { retryAfterMs: 30_000, status: 529 }));
    for (const ms of [0, 29_900]) {
      world.pass(ms);
      for (const gate of world.gates) {
        expect(await gate.acquire(place, askOf())).toMatchObject({ granted: false });
        expect(wordOf(await gate.acquire(other, askOf()))).toBe("granted");
      }
    }
    world.pass(101);
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("granted");
  });
});

describe("a credential that is refused", () => {
  test.each([
    ["quotaHard", 402],
    ["quotaHard", 403],
    ["auth", 401],
  ] as const)("by %s %i stops every pool of its provider, and no other", async (kind, status) => {
    const place = placed();
    const sibling = placeOf([limitOn("requests", "bucket", 6_000)], { provider: place.pool.provider });
    const stranger = placed();
    const world = await worldOf(place);
    for (const one of [sibling, stranger]) await warm(world, one);
    const ask = askOf();
    permitOf(await world.gate.acquire(sibling, ask));
    await tell(world.gate, place, failed(kind, { status }));
    for (const ms of [0, 86_400_000]) {
      world.pass(ms);
      for (const gate of world.gates) {
        for (const one of [place, sibling]) expect(wordOf(await gate.acquire(one, askOf()))).toBe("credential");
        expect(wordOf(await gate.acquire(stranger, askOf()))).toBe("granted");
      }
    }
    expect(world.changes.filter(({ to }) => to === "credential-off")).toHaveLength(1);
  });

  test("is told of at the last look of what was booked", async () => {
    const place = placed();
    const world = await worldOf(place);
    const ask = askOf();
    permitOf((await world.gates[1]?.acquire(place, ask)) ?? { granted: false, waitMs: 0, blockedBy: "requests" });
    await tell(world.gate, place, failed("auth", { status: 401 }));
    expect(
      wordOf((await world.gates[1]?.lastLook(place, ask)) ?? { granted: false, waitMs: 0, blockedBy: "requests" }),
    ).toBe("credential");
  });

  test("is not what 403 says: that may be this model only", async () => {
    const place = placed();
    const world = await worldOf(place);
    await tell(world.gate, place, failed("auth", { status: 403 }));
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("granted");
  });
});
