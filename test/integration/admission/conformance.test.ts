import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LimitMode } from "../../../src/config/pool.ts";
import { drawn } from "../../support/drawn.ts";
import { useServices } from "../../support/services.ts";
import { chanceOf, drawnPlace, emptyTally, runTrace } from "./trace.ts";
import { opened } from "./world.ts";

const services = useServices();

describe("a provider never refuses what the gate granted", () => {
  const all: readonly LimitMode[] = ["bucket", "bucket", "minute", "sliding", "second"];
  test.each<[string, readonly LimitMode[], number, number]>([
    ["that counts in buckets", ["bucket"], 120, 20_000],
    ["that counts minutes of the clock", ["minute"], 60, 20_000],
    ["that counts seconds", ["second"], 60, 3_000],
    ["that counts any minute", ["sliding"], 60, 20_000],
    ["that counts each dimension in its own way", all, 100, 20_000],
  ])("%s", async (_name, modes, runs, callMs) => {
    const world = await opened(services, 2);
    const tally = emptyTally();
    for (const seed of drawn(fc.nat(2 ** 31), runs)) {
      const chance = chanceOf(seed);
      const place = drawnPlace(chance, modes);
      const provider = await runTrace(world, place, chance, tally, { operations: 60, callMs });
      expect({ seed, pool: place.pool, refusals: provider.refusals.slice(0, 3) }).toMatchObject({ refusals: [] });
    }
    expect(tally.granted).toBeGreaterThan(runs);
    // A minute of the clock books only near its end.
    if (modes[0] !== "minute") expect(tally.booked).toBeGreaterThan(runs / 4);
    expect(tally.refused).toBeGreaterThan(runs);
    expect(tally.refunds).toBeGreaterThan(runs / 8);
  });
});
