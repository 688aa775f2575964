import { describe, expect, test } from "vitest";
import type { Place } from "../../../src/admission/door.ts";
import type { Permit } from "../../../src/admission/permit.ts";
import type { FailureKind } from "../../../src/request/failure.ts";
import { useServices } from "../../support/services.ts";
import {
  answered,
  askOf,
  failed,
  limitOn,
  opened,
  permitOf,
  placeOf,
  times,
  type World,
  warm,
  wordOf,
} from "./world.ts";

const services = useServices();
const circuit = { threshold: 5, coolDownMs: 60_000, ratio: 0.5, minimumCalls: 20, windowSeconds: 10 };
const rules = { circuit, retries: { share: 0.2, floorPerSecond: 10 } };
const placed = (more = {}) => placeOf([limitOn("requests", "bucket", 6_000_000)], more);

async function openedWorld(place: Place, processes = 1): Promise<World> {
  const world = await opened(services, processes, rules);
  await warm(world, place);
  for (const gate of world.gates) await gate.look(place, askOf());
  return world;
}
const held = async ({ gate }: World, place: Place, count: number): Promise<Permit[]> =>
  (await Promise.all(times(count, () => gate.acquire(place, askOf())))).map(permitOf);
const openings = ({ changes }: World) => changes.filter(({ to }) => to === "open").length;
async function breakIt(world: World, place: Place): Promise<void> {
  for (const permit of await held(world, place, circuit.threshold)) await world.gate.settle(permit, failed("server"));
  expect(wordOf(await world.gate.look(place, askOf()))).toBe("circuit");
}

describe("a circuit opens", () => {
  test("after so many failures in a row, whichever process had them", async () => {
    const place = placed();
    const world = await openedWorld(place, 5);
    const permits = await held(world, place, 6);
    for (const [at, gate] of world.gates.entries()) {
      expect(wordOf(await gate.look(place, askOf()))).toBe("granted");
      const permit = permits[at];
      if (permit !== undefined) await gate.settle(permit, failed(at % 2 === 0 ? "server" : "timeout"));
    }
    for (const gate of world.gates) {
      expect(await gate.acquire(place, askOf())).toEqual({
        granted: false,
        blockedBy: "circuit",
        waitMs: expect.closeTo(60_000, 0),
      });
    }
    expect(world.changes).toMatchObject([{ from: "closed", to: "open", deployment: place.deployment }]);
  });

  test("not when an answer comes between them", async () => {
    const place = placed();
    const world = await openedWorld(place);
    for (let n = 0; n < 3; n += 1) {
      const permits = await held(world, place, 5);
      for (const [at, permit] of permits.entries())
        await world.gate.settle(permit, at < 4 ? failed("network") : answered());
      world.pass(11_000);
    }
    expect(openings(world)).toBe(0);
  });

  test("when half of twenty calls fail within ten seconds, and not of nineteen", async () => {
    for (const [calls, opens] of [
      [19, 0],
      [20, 1],
    ] as const) {
      const place = placed();
      const world = await openedWorld(place);
      for (const [at, permit] of (await held(world, place, calls)).entries()) {
        await world.gate.settle(permit, at % 2 === 1 ? failed("stream") : answered());
        world.pass(100);
      }
      expect([calls, openings(world)]).toEqual([calls, opens]);
    }
  });

  test("not for fewer than half, and not for failures of longer ago", async () => {
    const place = placed();
    const world = await openedWorld(place);
    for (const [at, permit] of (await held(world, place, 60)).entries()) {
      await world.gate.settle(permit, at % 5 < 2 ? failed("stream") : answered());
      world.pass(50);
    }
    world.pass(11_000);
    for (const [at, permit] of (await held(world, place, 40)).entries()) {
      await world.gate.settle(permit, at % 2 === 0 ? failed("stream") : answered());
      world.pass(1_100);
    }
    expect(openings(world)).toBe(0);
  });

  test.each<FailureKind>(["rate", "ramp", "concurrency", "reduced", "quotaDay", "quotaHard", "auth", "client"])(
    "neither by %s nor is a row of failures broken by it",
    async (kind) => {
      const place = placed();
      const world = await openedWorld(place);
      const permits = await held(world, place, 40);
      for (const permit of permits.slice(0, 30)) await world.gate.settle(permit, failed(kind, { status: 403 }));
      expect(openings(world)).toBe(0);
      for (const permit of permits.slice(30, 34)) await world.gate.settle(permit, failed("server"));
      for (const permit of permits.slice(34, 36)) await world.gate.settle(permit, failed(kind, { status: 403 }));
      expect(openings(world)).toBe(0);
      for (const permit of permits.slice(36, 37)) await world.gate.settle(permit, failed("server"));
      expect(openings(world)).toBe(1);
    },
  );

  test.each<FailureKind>(["capacity", "server", "timeout", "network", "stream"])("by %s", async (kind) => {
    const place = placed();
    const world = await openedWorld(place);
    for (const permit of await held(world, place, 5)) await world.gate.settle(permit, failed(kind));
    expect(openings(world)).toBe(1);
  });

  test("for one deployment only", async () => {
    const place = placed();
    const other = { pool: place.pool, deployment: `${place.deployment}.other` };
    const world = await openedWorld(place);
    await breakIt(world, place);
    expect(wordOf(await world.gate.acquire(other, askOf()))).toBe("granted");
  });
});

describe("an open circuit", () => {
  test("lets exactly one of 400 racers on 16 connections try, and none before the cool-down is over", async () => {
    const place = placed();
    const world = await openedWorld(place, 16);
    await breakIt(world, place);
    const race = async () => {
      const asked = world.gates.flatMap((gate) => times(25, () => gate.acquire(place, askOf({ leaseMs: 30_000 }))));
      return (await Promise.all(asked)).flatMap((verdict) => (verdict.granted ? [verdict.permit] : []));
    };
    world.pass(59_000);
    expect(await race()).toEqual([]);
    world.pass(1_001);
    const probes = await race();
    expect(probes).toMatchObject([{ probe: true }]);
    for (const ms of [0, 10_000, 19_000]) {
      world.pass(ms);
      expect(await race()).toEqual([]);
    }
    // A lost probe expires with its lease, and then another one goes: one again.
    world.pass(1_100);
    expect(await race()).toMatchObject([{ probe: true }]);
    expect(world.changes.map(({ to }) => to)).toEqual(["open", "half-open", "half-open"]);
  });

  test("closes when its probe is answered, and opens anew when it fails", async () => {
    for (const answer of [true, false]) {
      const place = placed();
      const world = await openedWorld(place, 2);
      await breakIt(world, place);
      world.pass(60_001);
      const probe = permitOf(await world.gate.acquire(place, askOf()));
      await world.gates[1]?.settle(probe, answer ? answered() : failed("server"));
      expect(world.changes.at(-1)).toMatchObject({ from: "half-open", to: answer ? "closed" : "open" });
      const next = await world.gate.acquire(place, askOf());
      if (answer) expect(next).toMatchObject({ granted: true, permit: { probe: false } });
      else expect(next).toMatchObject({ granted: false, blockedBy: "circuit", waitMs: expect.closeTo(60_000, 0) });
    }
  });

  test("tries again when its probe was not sent", async () => {
    const place = placed();
    const world = await openedWorld(place);
    await breakIt(world, place);
    world.pass(60_001);
    const probe = permitOf(await world.gate.acquire(place, askOf()));
    expect(probe.probe).toBe(true);
    await world.gate.settle(probe, undefined);
    expect(world.changes.map(({ to }) => to)).toEqual(["open", "half-open"]);
    expect(await world.gate.acquire(place, askOf())).toMatchObject({ granted: true, permit: { probe: true } });
  });

  test("is moved by no call that began before it opened, nor by one that is not the probe", async () => {
    const place = placed();
    const world = await openedWorld(place);
    const old = await held(world, place, 30);
    await breakIt(world, place);
    for (const permit of old.slice(0, 5)) await world.gate.settle(permit, answered());
    expect(wordOf(await world.gate.look(place, askOf()))).toBe("circuit");
    world.pass(60_001);
    const probe = permitOf(await world.gate.acquire(place, askOf()));
    for (const permit of old.slice(5, 10)) await world.gate.settle(permit, answered());
    for (const permit of old.slice(10, 20)) await world.gate.settle(permit, failed("server"));
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("circuit");
    expect(world.changes.map(({ to }) => to)).toEqual(["open", "half-open"]);
    await world.gate.settle(probe, answered());
    for (const permit of old.slice(20)) await world.gate.settle(permit, failed("server"));
    expect(world.changes.map(({ to }) => to)).toEqual(["open", "half-open", "closed"]);
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("granted");
  });

  test("is not closed by a probe whose lease had ended", async () => {
    const place = placed();
    const world = await openedWorld(place);
    await breakIt(world, place);
    world.pass(60_001);
    const lost = permitOf(await world.gate.acquire(place, askOf({ leaseMs: 5_000 })));
    world.pass(5_100);
    const probe = permitOf(await world.gate.acquire(place, askOf()));
    expect(probe.probe).toBe(true);
    await world.gate.settle(lost, answered());
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("circuit");
    await world.gate.settle(probe, answered());
    expect(wordOf(await world.gate.acquire(place, askOf()))).toBe("granted");
  });

  test.each([0, 250])(
    "that closes lets 4, 20 and 84 calls start in the first one, two and three seconds (ahead %i)",
    async (aheadMs) => {
      const place = placed();
      const world = await openedWorld(place, 4);
      await breakIt(world, place);
      world.pass(60_001);
      const probe = permitOf(await world.gate.acquire(place, askOf()));
      await world.gate.settle(probe, answered());
      const closedUs = world.time.us;
      const starts: number[] = [];
      for (let ms = 0; ms <= 3_500; ms += 50) {
        const verdicts = await Promise.all(
          world.gates.flatMap((gate) => times(15, () => gate.acquire(place, askOf({ aheadMs })))),
        );
        for (const verdict of verdicts)
          if (verdict.granted) starts.push((world.time.us - closedUs) / 1_000 + verdict.startMs);
        world.pass(50);
      }
      for (const [ms, most] of [
        [1_000, 4],
        [2_000, 20],
        [3_000, 84],
      ] as const) {
        const started = starts.filter((start) => start < ms).length;
        expect([ms, started]).toEqual([ms, expect.closeTo(most, most === 4 ? 0 : -1)]);
        expect(started).toBeLessThanOrEqual(most);
      }
      expect(starts.filter((start) => start >= 3_000).length).toBeGreaterThan(200);
    },
  );

  test("revokes what is booked, for nothing", async () => {
    const place = placeOf([limitOn("requests", "second", 600)]);
    const world = await openedWorld(place, 2);
    const permits: Permit[] = [];
    while (permits.length < 5) {
      permits.push(permitOf(await world.gate.acquire(place, askOf())));
      world.pass(200);
    }
    await world.gate.acquire(place, askOf());
    const ask = askOf({ aheadMs: 250 });
    const booked = await world.gates[1]?.acquire(place, ask);
    expect(booked).toMatchObject({ granted: true });
    for (const permit of permits) await world.gate.settle(permit, failed("server"));
    world.pass(booked?.granted === true ? booked.startMs : 0);
    expect(await world.gates[1]?.lastLook(place, ask)).toMatchObject({ granted: false, blockedBy: "circuit" });
  });
});
