import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { redisTrouble } from "../../../src/runtime/redis-patience.ts";
import { startAll } from "../../../workers/all.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { type OwnRedis, ownRedis } from "../../support/own-redis.ts";
import { answer, later, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { type Severable, severable } from "../../support/severable.ts";
import { allEnded, type Errors, handIn, prompts, startWork, states } from "../../support/work.ts";

const services = useServices();
/** Longer than an outage here, so that nobody takes over meanwhile. */
const settings = { worker: { leaseMs: 10_000 } };
const slowly = () => testProvider((call, io) => later(20, io, answer(call.prompt)));

const attempts = async (fleet: Fleet) => {
  const rows = await fleet.ledger.sql<{ outcome: string; n: number }[]>`
    select outcome, count(*)::int as n from attempts group by outcome`;
  return Object.fromEntries(rows.map((row) => [row.outcome, row.n]));
};

/** Cuts the way in the middle of a run, for as long as a restart takes: an outage is a length of time. */
async function cutInTheMiddle(fleet: Fleet, way: { cut(): void; mend(): void }): Promise<void> {
  await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) >= 60);
  way.cut();
  await sleep(1_500);
  way.mend();
}

describe("a service that is away for a moment in the middle of a run", () => {
  test("Redis: every request ends well, and none costs an attempt or a call more", async () => {
    const way = await severable(await services.emptyRedis());
    const fleet = await openTestFleet(services, { settings, environment: { REDIS_URL: way.url } });
    const anthropic = slowly();
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await startWork(fleet, { anthropic });
    await cutInTheMiddle(fleet, way);
    expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
    expect(await attempts(fleet)).toEqual({ succeeded: 300 });
    expect(anthropic.calls).toHaveLength(300);
  });

  test("Postgres: every request ends well, and no answer that was paid for is thrown away", async () => {
    const way = await severable(await services.emptyDatabase());
    const fleet = await openTestFleet(services, { settings, environment: { DATABASE_URL: way.url } });
    const anthropic = slowly();
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await startWork(fleet, { anthropic });
    await cutInTheMiddle(fleet, way);
    expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
    expect(await attempts(fleet)).toEqual({ succeeded: 300 });
    expect(anthropic.calls).toHaveLength(300);
  });
});

test.each([
  ["stands still", (own: OwnRedis) => own.freeze(), (own: OwnRedis) => own.thaw()],
  ["cannot be reached", (_own: OwnRedis, way: Severable) => way.cut(), (_own: OwnRedis, way: Severable) => way.mend()],
])("calls that outlast a Redis that %s keep their rows and their slots", async (_what, begin, end) => {
  const own = await ownRedis();
  const way = await severable(own.url);
  const fleet = await openTestFleet(services, {
    settings: {
      pools: { "anthropic.haiku": { requestsPerMinute: 10_000_000, concurrency: 2 } },
      worker: { leaseMs: 2_000 },
    },
    environment: { REDIS_URL: way.url },
  });
  let most = 0;
  const anthropic = testProvider((call, io) => {
    most = Math.max(most, anthropic.underWay());
    return later(call.prompt.startsWith("long") ? 8_000 : 20, io, answer(call.prompt));
  });
  await startWork(fleet, { anthropic });
  await handIn(fleet, prompts(2, "long"), { priority: "interactive" });
  await eventually("two calls are under way", () => anthropic.underWay() === 2);
  await handIn(fleet, prompts(4), { priority: "interactive" });
  begin(own, way);
  await sleep(5_500);
  end(own, way);
  expect(await allEnded(fleet)).toEqual({ succeeded: 6 });
  expect(await attempts(fleet)).toEqual({ succeeded: 6 });
  expect(anthropic.calls).toHaveLength(6);
  expect(most).toBe(2);
});

test("a worker that starts while Redis is away tells its key when it is back", async () => {
  const way = await severable(await services.emptyRedis());
  const fleet = await openTestFleet(services, { environment: { REDIS_URL: way.url } });
  way.cut();
  const errors: Errors = [];
  await startWork(fleet, { anthropic: slowly() }, errors);
  await eventually("it has noticed", () => errors.length > 0);
  way.mend();
  const redis = await services.redis();
  await eventually("its key is known", async () => (await redis.hexists("millrace:{anthropic}:provider", "key")) === 1);
});

test("a Redis that refuses is asked seldom, and the jobs it gave out come back unspent", async () => {
  const own = await ownRedis();
  const fleet = await openTestFleet(services, { settings, environment: { REDIS_URL: own.url } });
  const anthropic = slowly();
  const errors: Errors = [];
  await handIn(fleet, prompts(300), { priority: "bulk" });
  await startWork(fleet, { anthropic }, errors);
  await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) >= 60);
  await own.redis.config("SET", "maxmemory", "1");
  await eventually("nothing is under way", () => errors.length > 0 && anthropic.underWay() === 0);
  const asked = async () => Number(/total_commands_processed:(\d+)/.exec(await own.redis.info("stats"))?.[1]);
  // Jobs whose calls have ended are still brought home, each with some commands that are refused.
  await eventually("what was in hand is home", async () => {
    const before = await asked();
    await sleep(500);
    return (await asked()) - before < 250;
  });
  const [before, complaints] = [await asked(), errors.length];
  await sleep(2_000);
  expect((await asked()) - before).toBeLessThan(1_000);
  expect(errors.length - complaints).toBeLessThan(100);
  expect(errors.map(redisTrouble)).not.toContain(undefined);
  await own.redis.config("SET", "maxmemory", "0");
  expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
  expect(await attempts(fleet)).toEqual({ succeeded: 300 });
  expect(anthropic.calls).toHaveLength(300);
});

test("a fleet whose Redis is away can be told to stop, and stops", async () => {
  const way = await severable(await services.emptyRedis());
  const fleet = await openTestFleet(services, { settings, environment: { REDIS_URL: way.url } });
  const anthropic = slowly();
  const errors: Errors = [];
  const connections = new Map([["anthropic", anthropic.connection]]);
  const all = await startAll(fleet, { connections, onError: (error) => errors.push(error) });
  await handIn(fleet, prompts(100), { priority: "bulk" });
  await eventually("it works", () => anthropic.calls.length > 20);
  way.cut();
  await eventually("it has noticed", () => errors.length > 0);
  const since = performance.now();
  const drained = all.drain(500);
  await eventually("nothing is under way", () => anthropic.underWay() === 0);
  way.mend();
  await drained;
  expect(performance.now() - since).toBeLessThan(10_000);
});
