import { describe, expect, test } from "vitest";
import type { Admission } from "../../../src/admission/admission.ts";
import type { Place } from "../../../src/admission/door.ts";
import type { Dimension, Limit, LimitMode } from "../../../src/config/pool.ts";
import type { LimitReport } from "../../../src/request/outcome.ts";
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
  usedOf,
  type World,
  warm,
  wordOf,
} from "./world.ts";

const services = useServices();

/** What the gate lets through at most in one call: tells the limit it follows. */
async function mostOf(gate: Admission, place: Place): Promise<number | undefined> {
  const verdict = await gate.look(place, askOf({ inputTokens: 1e12 }));
  return verdict.granted ? undefined : verdict.tooLarge?.most;
}
/** The same of a minute's tokens, of which half a per cent is kept for estimates. */
async function minuteOf(gate: Admission, place: Place): Promise<number | undefined> {
  const most = await mostOf(gate, place);
  return most === undefined ? undefined : most / 0.995;
}
async function answer({ gate }: Pick<World, "gate">, place: Place, limits: LimitReport): Promise<void> {
  const permit = permitOf(await gate.acquire(place, askOf()));
  await gate.settle(permit, answered({ inputTokens: 1, outputTokens: 1 }, limits));
}
const tokens = (limit: number | undefined, more: Partial<Limit> = {}) => [
  limitOn("inputTokens", "minute", limit, { burstSeconds: 60, ...more }),
];

test("a process that joins after a limit was learned leaves what is used as it is", async () => {
  const world = await opened(services);
  const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 60 })]);
  await warm(world, place);
  await answer(world, place, { inputTokens: { limit: 30_000 } });
  world.pass(60_000);
  const gate = world.join();
  permitOf(await gate.acquire(place, askOf({ inputTokens: 100 })));
  expect((await usedOf(world, place))[0]).toBeCloseTo(100, 1);
});

describe("a limit that is configured anew", () => {
  test.each<[LimitMode, number, number]>([
    ["bucket", 60_000, 30_000],
    ["bucket", 60_000, 240_000],
    ["minute", 60_000, 30_000],
    ["minute", 60_000, 90_000],
    ["sliding", 60_000, 30_000],
    ["sliding", 60_000, 120_000],
  ])("keeps what is used (%s, %i to %i)", async (mode, from, to) => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", mode, from, { burstSeconds: 60 })]);
    await warm(world, place);
    permitOf(await world.gate.acquire(place, askOf({ inputTokens: 2_345 })));
    const before = await usedOf(world, place);
    expect(before[0]).toBeCloseTo(2_345, 1);
    const anew = {
      ...place,
      pool: { ...place.pool, limits: [limitOn("inputTokens", mode, to, { burstSeconds: 60 })] },
    };
    const gate = world.join();
    permitOf(await gate.acquire(anew, askOf({ inputTokens: 1 })));
    expect(Math.abs(((await usedOf(world, place))[0] ?? 0) - 2_346)).toBeLessThanOrEqual(1);
  });

  test("keeps what was used of a pool that is still cold, and no more of what that pool lacks than its new burst", async () => {
    const world = await opened(services);
    const limits = (limit: number) => [limitOn("inputTokens", "bucket", limit, { burstSeconds: 60 })];
    const place = placeOf(limits(60_000));
    permitOf(await world.gate.acquire(place, askOf({ inputTokens: 1 })));
    world.pass(20_000);
    permitOf(await world.gate.acquire(place, askOf({ inputTokens: 15_000 })));
    const lower = { ...place, pool: { ...place.pool, limits: limits(6_000) } };
    const most = (await mostOf(world.join(), lower)) ?? 0;

    expect(await world.join().acquire(lower, askOf({ inputTokens: 1 }))).toMatchObject({ granted: false });

    const [used = 0] = await usedOf(world, place);
    expect(most).toBeLessThanOrEqual(6_000);
    expect(used).toBeGreaterThanOrEqual(15_000);
    expect(used).toBeLessThanOrEqual(15_000 + most + 1_000);
  });

  test("gives back to the bucket what it took, though the limit changed meanwhile", async () => {
    const world = await opened(services);
    const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 60 })]);
    await warm(world, place);
    const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 5_000 })));
    const gate = world.join();
    const limits = [limitOn("inputTokens", "bucket", 20_000, { burstSeconds: 60 })];
    const anew = { ...place, pool: { ...place.pool, limits } };
    permitOf(await gate.acquire(anew, askOf({ inputTokens: 1_000 })));
    await gate.settle(permit, answered({ inputTokens: 500 }));
    expect(Math.abs(((await usedOf(world, place))[0] ?? 0) - 1_500)).toBeLessThanOrEqual(1);
  });
});

describe("a limit that answers name", () => {
  test("is followed at once when it is lower, and what is used stays used", async () => {
    const world = await opened(services, 2);
    const place = placeOf([limitOn("inputTokens", "bucket", 60_000, { burstSeconds: 60 })]);
    await warm(world, place);
    permitOf(await world.gate.acquire(place, askOf({ inputTokens: 5_000 })));
    const high = await mostOf(world.gate, place);
    await answer(world, place, { inputTokens: { limit: 30_000 } });
    for (const gate of world.gates) expect(await mostOf(gate, place)).toBeLessThan(0.51 * (high ?? 0));
    permitOf(await world.gate.acquire(place, askOf({ inputTokens: 1 })));
    expect(Math.abs(((await usedOf(world, place))[0] ?? 0) - 5_002)).toBeLessThanOrEqual(1.5);
  });

  test("is followed when it is higher after three answers in a row that agree, by every process", async () => {
    const world = await opened(services, 3);
    const place = placeOf(tokens(60_000));
    await warm(world, place);
    const named: [number, number][] = [
      [90_000, 60_000],
      [90_000, 60_000],
      [80_000, 60_000],
      [90_000, 60_000],
      [90_000, 60_000],
      [90_000, 90_000],
      [90_000, 90_000],
    ];
    for (const [at, [limit, followed]] of named.entries()) {
      await answer({ gate: world.gate }, place, { inputTokens: { limit } });
      for (const each of world.gates) expect([at, await minuteOf(each, place)]).toEqual([at, followed]);
    }
  });

  test("is not reached by answers that agree but are interrupted by one that names the old one", async () => {
    const world = await opened(services);
    const place = placeOf(tokens(60_000));
    await warm(world, place);
    for (const limit of [90_000, 90_000, 60_000, 90_000, 90_000])
      await answer(world, place, { inputTokens: { limit } });
    expect(await minuteOf(world.gate, place)).toBe(60_000);
  });

  test("makes a limit of what was unknown", async () => {
    const world = await opened(services, 2);
    const place = placeOf(tokens(undefined));
    expect(await minuteOf(world.gate, place)).toBeUndefined();
    for (let n = 0; n < 3; n += 1) await answer(world, place, { inputTokens: { limit: 40_000 } });
    for (const gate of world.gates) expect(await minuteOf(gate, place)).toBe(40_000);
  });

  test("never exceeds what an operator fixed, and comes back to it, not above", async () => {
    const world = await opened(services, 2);
    const place = placeOf(tokens(60_000, { fixed: true }));
    await warm(world, place);
    for (let n = 0; n < 5; n += 1) await answer(world, place, { inputTokens: { limit: 90_000 } });
    for (const gate of world.gates) expect(await minuteOf(gate, place)).toBe(60_000);
    await answer(world, place, { inputTokens: { limit: 30_000 } });
    for (const gate of world.gates) expect(await minuteOf(gate, place)).toBe(30_000);
    for (let n = 0; n < 5; n += 1) await answer(world, place, { inputTokens: { limit: 90_000 } });
    for (const gate of world.gates) expect(await minuteOf(gate, place)).toBe(60_000);
  });

  test("is known to a process that joins from its first question on", async () => {
    const world = await opened(services);
    const place = placeOf(tokens(60_000));
    await warm(world, place);
    await answer(world, place, { inputTokens: { limit: 20_000 } });
    const gate = world.join();
    expect(await gate.acquire(place, askOf({ inputTokens: 20_001 }))).toMatchObject({ tooLarge: { most: 19_900 } });
  });

  test("is believed of a refusal too, and never when it is nought", async () => {
    const world = await opened(services);
    const place = placeOf(tokens(60_000));
    await warm(world, place);
    await answer(world, place, { inputTokens: { limit: 0 } });
    expect(await minuteOf(world.gate, place)).toBe(60_000);
    const permit = permitOf(await world.gate.acquire(place, askOf()));
    await world.gate.settle(permit, failed("rate", { retryAfterMs: 10 }, { inputTokens: { limit: 25_000 } }));
    world.pass(60_000);
    expect(await minuteOf(world.gate, place)).toBe(25_000);
  });

  test("lets two processes that knew different ones share one count", async () => {
    const world = await opened(services);
    const place = placeOf(tokens(60_000));
    await warm(world, place);
    const other = world.join();
    await other.look(place, askOf());
    await answer(world, place, { inputTokens: { limit: 10_000 } });
    const verdicts = await Promise.all(times(8, () => other.acquire(place, askOf({ inputTokens: 2_000 }))));
    expect(verdicts.filter(({ granted }) => granted)).toHaveLength(4);
    expect(wordOf(await world.gate.acquire(place, askOf({ inputTokens: 2_000 })))).toBe("inputTokens");
  });
});

describe("use by others of the same account", () => {
  const limits = (remaining: number) => ({ inputTokens: { limit: 60_000, remaining } });
  const placed = (mode: LimitMode = "bucket", dimension: Dimension = "inputTokens") =>
    placeOf([limitOn(dimension, mode, 60_000, { burstSeconds: 60 })]);

  test.each<LimitMode>(["bucket", "minute"])("is charged once, however many answers carry it (%s)", async (mode) => {
    const world = await opened(services, 2);
    const place = placed(mode);
    await warm(world, place);
    await world.gates[1]?.look(place, askOf());
    const permits = await Promise.all(times(10, () => world.gate.acquire(place, askOf({ inputTokens: 100 }))));
    for (const [at, verdict] of permits.entries()) {
      await world.gates[at % 2]?.settle(
        permitOf(verdict),
        answered({ inputTokens: 100, outputTokens: 1 }, limits(20_000)),
      );
    }
    // 40 000 are used; a twentieth of the bucket is let pass.
    const used = (await usedOf(world, place))[0] ?? 0;
    expect(used).toBeGreaterThanOrEqual(36_900);
    expect(used).toBeLessThanOrEqual(40_100);
  });

  test("is never credited: what the provider says is left does not undo what we know is used", async () => {
    const world = await opened(services);
    const place = placed();
    await warm(world, place);
    const permits = await Promise.all(times(10, () => world.gate.acquire(place, askOf({ inputTokens: 3_000 }))));
    for (const verdict of permits.slice(0, 5)) {
      await world.gate.settle(permitOf(verdict), answered({ inputTokens: 3_000, outputTokens: 1 }, limits(60_000)));
    }
    expect((await usedOf(world, place))[0]).toBeCloseTo(30_000, 0);
  });

  test("is not seen in answers to our own calls alone", async () => {
    const world = await opened(services);
    const place = placed();
    await warm(world, place);
    let remaining = 60_000;
    for (let n = 0; n < 20; n += 1) {
      const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 2_000 })));
      remaining -= 2_000;
      await world.gate.settle(permit, answered({ inputTokens: 2_000, outputTokens: 1 }, limits(remaining)));
    }
    expect((await usedOf(world, place))[0]).toBeCloseTo(40_000, 0);
  });

  test("that was charged is gone again with time", async () => {
    const world = await opened(services);
    const place = placed();
    await warm(world, place);
    const permit = permitOf(await world.gate.acquire(place, askOf({ inputTokens: 100 })));
    await world.gate.settle(permit, answered({ inputTokens: 100 }, limits(1_000)));
    expect(wordOf(await world.gate.acquire(place, askOf({ inputTokens: 20_000 })))).toBe("inputTokens");
    world.pass(40_000);
    expect(wordOf(await world.gate.acquire(place, askOf({ inputTokens: 20_000 })))).toBe("granted");
  });
});
