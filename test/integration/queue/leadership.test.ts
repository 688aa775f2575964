import type { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenToBell, openBell } from "../../../src/queue/bell.ts";
import { type Leadership, openLeadership } from "../../../src/queue/leadership.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function candidates(count: number): Promise<{ all: Leadership[]; redis: Redis }> {
  const url = await services.emptyRedis();
  const all = Array.from({ length: count }, () => openLeadership(url));
  const redis = await services.redis();
  onTestFinished(async () => {
    await Promise.all(all.map((one) => one.resign().catch(() => {})));
  });
  return { all, redis };
}

const whoLeads = async (all: readonly Leadership[], name: string): Promise<number[]> => {
  const answers = await Promise.all(all.map((one) => one.leads(name)));
  return answers.flatMap((leads, at) => (leads ? [at] : []));
};

describe("leadership", () => {
  test("is with one of many, and stays there while it asks", async () => {
    const { all } = await candidates(12);
    const [first] = await whoLeads(all, "lane");
    for (let round = 0; round < 10; round += 1) expect(await whoLeads(all, "lane")).toEqual([first]);
  });

  test("is held by name: two lanes may have two leaders", async () => {
    const { all } = await candidates(2);
    expect(await all[0]?.leads("one")).toBe(true);
    expect(await all[1]?.leads("other")).toBe(true);
    expect(await all[1]?.leads("one")).toBe(false);
  });

  test("is given back at once by a leader that resigns", async () => {
    const { all } = await candidates(2);
    expect(await whoLeads(all, "lane")).toHaveLength(1);
    const [leader] = await whoLeads(all, "lane");
    await all[leader ?? 0]?.resign();
    const other = all[leader === 0 ? 1 : 0];
    expect(await other?.leads("lane")).toBe(true);
  });

  test("is not taken from somebody else by resigning", async () => {
    const { all } = await candidates(3);
    await all[0]?.leads("lane");
    await all[1]?.leads("lane");
    await all[1]?.resign();
    expect(await all[2]?.leads("lane")).toBe(false);
  });

  test("passes on within four seconds when the leader asks no more", async () => {
    const { all } = await candidates(2);
    await all[0]?.leads("lane");
    const since = performance.now();
    await eventually("the other one leads", async () => all[1]?.leads("lane"));
    const tookMs = performance.now() - since;
    expect(tookMs).toBeGreaterThan(2_000);
    expect(tookMs).toBeLessThan(4_000);
  });

  test("is decided anew after Redis lost its data, again for one", async () => {
    const { all, redis } = await candidates(5);
    await whoLeads(all, "lane");
    await redis.flushall();
    expect(await whoLeads(all, "lane")).toHaveLength(1);
  });
});

describe("the bell", () => {
  test("wakes every listener with the name of the lane, once a ring", async () => {
    const url = await services.emptyRedis();
    const heard: string[][] = [[], []];
    const listeners = heard.map((own) => listenToBell(url, (lane) => own.push(lane)));
    const bell = openBell(url);
    const redis = await services.redis();
    onTestFinished(() => {
      for (const listener of listeners) listener.close();
      bell.close();
    });
    await eventually("both listen", async () => {
      const [, subscribers] = (await redis.pubsub("NUMSUB", "millrace:bell")) as [string, number];
      return subscribers === 2;
    });
    bell.ring(["a.x", "b.x"]);
    bell.ring(["a.x"]);
    await eventually("three rings", () => heard.every((own) => own.length === 3));
    for (const own of heard) expect([...own].sort()).toEqual(["a.x", "a.x", "b.x"]);
  });

  test("may be rung with Redis away: it is only a hint", () => {
    const bell = openBell("redis://127.0.0.1:1");
    onTestFinished(() => bell.close());
    expect(() => bell.ring(["a.x"])).not.toThrow();
  });
});
