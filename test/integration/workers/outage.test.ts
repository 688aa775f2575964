import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, later, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";
import { allEnded, type Errors, handIn, prompts, startWork, states } from "../../support/work.ts";

const services = useServices();

const attempts = async (fleet: Fleet) => {
  const rows = await fleet.ledger.sql<{ outcome: string; n: number }[]>`
    select outcome, count(*)::int as n from attempts group by outcome`;
  return Object.fromEntries(rows.map((row) => [row.outcome, row.n]));
};

/** Cuts the way in the middle of a run, for as long as a restart takes. */
async function cutInTheMiddle(fleet: Fleet, way: { cut(): void; mend(): void }): Promise<void> {
  await eventually("some are done", async () => ((await states(fleet)).succeeded ?? 0) >= 60);
  way.cut();
  await sleep(1_500);
  way.mend();
}

describe("a service that is away for a moment in the middle of a run", () => {
  test("Redis: every request ends well, none costs an attempt or a call twice", async () => {
    const way = await severable(await services.emptyRedis());
    const fleet = await openTestFleet(services, { environment: { REDIS_URL: way.url } });
    const anthropic = testProvider((call, io) => later(20, io, answer(call.prompt)));
    const errors: Errors = [];
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await startWork(fleet, { anthropic }, errors);
    await cutInTheMiddle(fleet, way);
    expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
    console.log(await attempts(fleet), anthropic.calls.length);
  });

  test("Postgres: every request ends well, and no call is made twice", async () => {
    const way = await severable(await services.emptyDatabase());
    const fleet = await openTestFleet(services, { environment: { DATABASE_URL: way.url } });
    const anthropic = testProvider((call, io) => later(20, io, answer(call.prompt)));
    const errors: Errors = [];
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await startWork(fleet, { anthropic }, errors);
    await cutInTheMiddle(fleet, way);
    expect(await allEnded(fleet)).toEqual({ succeeded: 300 });
    console.log(await attempts(fleet), anthropic.calls.length);
  });
});
