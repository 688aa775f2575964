/**
 * An upgrade as operations.md tells it: processes of the version before the last migration work while the schema is
 * migrated, then beside new ones, and leave one by one. Their code comes from the repository's history.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openFleet } from "../../src/fleet/fleet.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { plainLines, simulated, writeLines } from "../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../support/cli.ts";
import { buildEarlier, type EarlierBuild, migrationsIn } from "../support/earlier-build.ts";
import { eventually } from "../support/eventually.ts";
import { unlimited } from "../support/fleet.ts";
import { useServices } from "../support/services.ts";
import { allEnded, handIn, prompts, states } from "../support/work.ts";

const services = useServices();
let earlier: EarlierBuild | { readonly reason: string };
beforeAll(() => {
  earlier = buildEarlier();
}, 240_000);
beforeEach(({ skip }) => skip("reason" in earlier, "reason" in earlier ? earlier.reason : ""));

const keys = (tail: string) => ({
  ANTHROPIC_API_KEY: `sim-${tail}`,
  OPENAI_API_KEY: `sim-${tail}`,
  GOOGLE_API_KEY: `sim-${tail}`,
});

describe("an upgrade", () => {
  test("goes on while a batch runs: old and new workers side by side, nothing lost, nothing answered twice", async () => {
    if ("reason" in earlier) return;
    const simulator = await startSimulator({
      latency: { firstTokenMs: { p50: 500, p99: 700 }, perTokenMs: 1 },
      outputTokens: { p50: 5, p99: 10 },
    });
    onTestFinished(() => simulator.close());
    const cwd = workFolder();
    const settings = {
      providers: { anthropic: unlimited, openai: unlimited, gemini: unlimited },
      worker: { slotsPerLane: 3, leaseMs: 5_000 },
    };
    writeFileSync(join(cwd, "millrace.json"), JSON.stringify(settings));
    const environment = {
      ...simulated(simulator),
      REDIS_URL: await services.emptyRedis(),
      DATABASE_URL: await services.bareDatabase(),
      MILLRACE_LOG: "error",
    };
    const asOld = { cwd, environment: { ...environment, ...keys("old1") }, build: earlier.folder };
    const asNew = { cwd, environment: { ...environment, ...keys("new2") } };
    const by = (tail: string) => simulator.ledger().filter((call) => call.keyTail === tail);
    const migrated = async () => {
      const [row] = await ledger.sql<{ n: number }[]>`select count(*)::int as n from drizzle.__drizzle_migrations`;
      return row?.n;
    };

    // The old fleet, on its own schema, with a batch that takes a while.
    writeLines(cwd, "batch.jsonl", plainLines(600));
    expect((await runCli(["batch", "submit", "batch.jsonl"], asOld)).code).toBe(0);
    const ledger = openLedger(environment.DATABASE_URL);
    onTestFinished(() => ledger.close());
    expect(await migrated()).toBe(earlier.migrations.length);
    const migrations = migrationsIn(".");
    expect(migrations.slice(0, earlier.migrations.length)).toEqual(earlier.migrations);
    expect(migrations.length).toBeGreaterThan(earlier.migrations.length);
    const old = startCli(["worker", "all"], asOld);
    await old.said(/Working: /);
    await eventually("the old workers call", () => by("old1").length > 30);

    // Expand: the schema first, under the old fleet's feet.
    expect(await runCli(["migrate", "--json"], asNew)).toMatchObject({ code: 0 });
    expect(await migrated()).toBe(migrations.length);
    const atMigration = by("old1").length;
    expect(atMigration).toBeLessThan(600);

    // Old ones go on, and one that restarts starts; new ones join.
    const restarted = startCli(["worker", "all"], asOld);
    await restarted.said(/Working: /);
    const fresh = startCli(["worker", "all"], asNew);
    await fresh.said(/Working: /);
    const fleet = await openFleet({ directory: cwd, environment: asNew.environment });
    onTestFinished(() => fleet.close());
    await handIn(fleet, prompts(300, "from the new version"), { priority: "bulk" });
    await eventually(
      "both have called after the migration",
      () => by("old1").length > atMigration + 30 && by("new2").length > 15,
      60_000,
    );
    expect((await states(fleet)).succeeded ?? 0).toBeLessThan(900);

    // The old ones leave in the middle of it.
    for (const leaving of [old, restarted]) {
      leaving.kill("SIGTERM");
      expect(await leaving.ended).toMatchObject({ code: 0 });
    }
    expect(await allEnded(fleet, 150_000)).toEqual({ succeeded: 900 });
    const [account] = await fleet.ledger.sql<{ answered: number; results: number }[]>`
      select (select count(distinct request_id)::int from attempts where outcome = 'succeeded') as answered,
        (select count(*)::int from payloads where kind = 'result') as results`;
    expect(account).toEqual({ answered: 900, results: 900 });
    const [calls] = await fleet.ledger.sql<
      { n: number }[]
    >`select count(*)::int as n from attempts where started_at is not null`;
    expect(simulator.ledger().length).toBeLessThanOrEqual(calls?.n ?? 0);
    for (const process of [old, restarted]) expect((await process.ended).stderr).not.toMatch(/"level":"error"/);
  }, 300_000);
});
