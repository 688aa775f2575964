import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import type { Ending } from "../support/postgres-server.ts";
import { useServices } from "../support/services.ts";
import { severable } from "../support/severable.ts";
import { allEnded, handIn, prompts, states } from "../support/work.ts";

const services = useServices({ ownServers: true });
const slowish = { firstTokenMs: { p50: 150, p99: 300 }, perTokenMs: 1 };
/** Work resumes within this after Postgres answers again. */
const resumeMs = 3_000;

const outcomes = async (fleet: Fleet) => {
  const rows = await fleet.ledger.sql<{ outcome: string; n: number }[]>`
    select outcome, count(*)::int as n from attempts group by outcome`;
  return Object.fromEntries(rows.map((row) => [row.outcome, row.n]));
};
const succeeded = async (fleet: Fleet) => (await states(fleet)).succeeded ?? 0;
const done = (fleet: Fleet, count: number) =>
  eventually(`${count} have succeeded`, async () => (await succeeded(fleet)) >= count);

/** Milliseconds until one more request has succeeded than had when this was asked first. */
async function untilNextSuccess(fleet: Fleet): Promise<number> {
  const since = performance.now();
  const before = await succeeded(fleet);
  await eventually("work goes on", async () => (await succeeded(fleet)) > before);
  return performance.now() - since;
}

/** Each request ended well, was called once, and is on the bill once. */
async function expectNothingTwice(fleet: Fleet, simulator: Simulator, count: number): Promise<void> {
  expect(await allEnded(fleet, 60_000)).toEqual({ succeeded: count });
  expect(await outcomes(fleet)).toEqual({ succeeded: count });
  expect(simulator.summary()).toMatchObject({ calls: count, byCorrelation: { distinct: count } });
}

describe("Postgres that ends in the middle of a run", () => {
  test.each<Ending>(["fast", "immediate", "kill"])(
    "by %s and starts again: work goes on within three seconds, no call is made twice, no answer is lost",
    async (how) => {
      const { fleet, simulator, worker } = await openScene(services, {
        simulator: { latency: slowish },
        worker: { leaseMs: 20_000 },
      });
      const server = await services.postgresServer();
      await worker("all");
      await handIn(fleet, prompts(400), { priority: "bulk" });
      await done(fleet, 60);
      await server.stop(how);
      await sleep(1_500); // an outage is a length of time
      await server.start();
      expect(await untilNextSuccess(fleet)).toBeLessThan(resumeMs);
      await expectNothingTwice(fleet, simulator, 400);
    },
  );

  test("for longer than a worker may wait: it leaves in order, its answers wait on disk, the next one records them", async () => {
    const { fleet, simulator, worker, spoolFolder } = await openScene(services, {
      simulator: { latency: { firstTokenMs: { p50: 500, p99: 500 }, perTokenMs: 0 } },
      worker: { leaseMs: 60_000, slotsPerLane: 8, drainGraceMs: 1_000 },
    });
    const server = await services.postgresServer();
    const [leaving] = await Promise.all([worker("anthropic"), worker("feeder")]);
    await handIn(fleet, prompts(30), { priority: "bulk" });
    await eventually("eight calls are under way", () => simulator.ledger().length >= 8);
    await server.stop("immediate");
    leaving.kill("SIGTERM");
    expect((await leaving.ended).code).toBe(0);
    const made = simulator.ledger().length;
    expect(simulator.ledger().map((call) => call.ended)).toEqual(Array(made).fill("complete"));
    expect(readdirSync(spoolFolder)).not.toHaveLength(0);
    await server.start();
    await worker("all");
    await expectNothingTwice(fleet, simulator, 30);
    expect(readdirSync(spoolFolder)).toEqual([]);
  });
});

describe("Postgres that is there and takes nothing", () => {
  const obstacles: Readonly<Record<string, { readonly begin: readonly string[]; readonly end: readonly string[] }>> = {
    "is a standby (25006)": {
      begin: ["alter system set default_transaction_read_only = on", "select pg_reload_conf()"],
      end: ["alter system reset default_transaction_read_only", "select pg_reload_conf()"],
    },
    "has no disk left (53100)": {
      begin: [
        `create or replace function no_disk() returns trigger language plpgsql as
           $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`,
        "create trigger no_disk before insert or update on requests for each statement execute function no_disk()",
        "create trigger no_disk before insert on attempts for each statement execute function no_disk()",
      ],
      end: ["drop function no_disk cascade"],
    },
  };
  test.each(Object.entries(obstacles))("because it %s is waited for", async (_what, { begin, end }) => {
    const databaseUrl = await services.emptyDatabase();
    const { fleet, simulator, worker } = await openScene(services, {
      simulator: { latency: slowish },
      worker: { leaseMs: 20_000 },
      databaseUrl,
    });
    const server = await services.postgresServer();
    await worker("all");
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await done(fleet, 60);
    for (const statement of begin) await server.asSuperuser(databaseUrl, statement);
    await sleep(1_500);
    for (const statement of end) await server.asSuperuser(databaseUrl, statement);
    expect(await untilNextSuccess(fleet)).toBeLessThan(resumeMs);
    await expectNothingTwice(fleet, simulator, 300);
  });

  test("because it has no connection left (53300) is waited for", async () => {
    const superuser = await services.emptyDatabase();
    const server = await services.postgresServer();
    for (const statement of [
      "do $$ begin create role app login superuser password 'app'; exception when duplicate_object then null; end $$",
      "alter role app connection limit -1",
    ])
      await server.asSuperuser(superuser, statement);
    const app = new URL(superuser);
    app.username = "app";
    app.password = "app";
    const { fleet, simulator, worker } = await openScene(services, {
      simulator: { latency: slowish },
      worker: { leaseMs: 20_000 },
      databaseUrl: app.href,
    });
    // Superusers have no limit of their own, and must be one to migrate; from here on it is a plain role.
    await server.asSuperuser(
      superuser,
      `alter role app nosuperuser; grant all on all tables in schema public to app; grant all on schema drizzle to app; grant all on all tables in schema drizzle to app; grant all on database ${app.pathname.slice(1)} to app`,
    );
    await worker("all");
    await handIn(fleet, prompts(300), { priority: "bulk" });
    await done(fleet, 60);
    await server.asSuperuser(
      superuser,
      "alter role app connection limit 0; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'",
    );
    await sleep(1_500);
    await server.asSuperuser(superuser, "alter role app connection limit -1");
    expect(await untilNextSuccess(fleet)).toBeLessThan(resumeMs);
    await expectNothingTwice(fleet, simulator, 300);
  });
});

describe("a connection that is cut after the commit, before its answer", () => {
  test.each([
    ["a claim", "claimed once"],
    ["a record", "recorded once"],
  ])("of %s is said again, and the request is %s", async (what) => {
    const way = await severable(await services.emptyDatabase());
    const { fleet, simulator, worker } = await openScene(services, { databaseUrl: way.url });
    await worker("feeder", "reconciler", "anthropic");
    // The first claim carries the request's id, the record its result's provider as well.
    const [id = ""] = await handIn(fleet, ["hello"], { priority: "interactive" });
    if (what === "a claim") way.loseAnswerTo(id);
    else way.loseAnswerTo('"end_turn');
    await eventually("it has ended", async () => (await succeeded(fleet)) === 1);
    await expectNothingTwice(fleet, simulator, 1);
  });
});
