import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { plainLines, simulated, writeLines } from "../../support/batch-files.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

it("removes what is old, says what it removed, and every command says what is no longer there", async () => {
  const simulator = await startSimulator({ outputTokens: { p50: 5, p99: 9 } });
  onTestFinished(() => simulator.close());
  const cwd = workFolder();
  const url = await services.emptyDatabase();
  const environment = { ...simulated(simulator), REDIS_URL: await services.emptyRedis(), DATABASE_URL: url };
  const cli = (...args: string[]) => runCli(args, { cwd, environment });
  writeLines(cwd, "in.jsonl", plainLines(6));
  expect((await cli("batch", "run", "in.jsonl")).code).toBe(0);
  const ledger = openLedger(url);
  onTestFinished(() => ledger.close());
  const age = (days: number) => ledger.sql`
    with r as (update requests set finished_at = now() - ${days} * interval '1 day' returning 1)
    update batches set finished_at = now() - ${days} * interval '1 day'`;
  await age(3);
  const [request] = await ledger.sql<{ id: string; batch_id: string }[]>`select id, batch_id from requests limit 1`;
  const { id = "", batch_id: batchId = "" } = request ?? {};

  const days = ["--payloads-days", "2", "--results-days", "2"];
  const [unsaid, dry] = await Promise.all([cli("prune"), cli("prune", "--dry-run", ...days)]);
  const done = await cli("prune", ...days, "--json");
  const [shown, results] = await Promise.all([
    cli("request", "show", id, "--content"),
    cli("batch", "results", batchId),
  ]);

  expect([unsaid.code, unsaid.stderr]).toEqual([64, expect.stringContaining("Nothing says what may go")]);
  expect(dry.stdout).toContain(
    "would remove 6 prompts, 6 answers, 0 requests with 0 calls, 0 batches, 0 changes of circuits, 0 files, 0 webhooks; masked 0 texts",
  );
  expect(JSON.parse(done.stdout)).toEqual({
    dry_run: false,
    prompts: 6,
    answers: 6,
    masked: 0,
    requests: 0,
    calls: 0,
    batches: 0,
    events: 0,
    files: 0,
    deliveries: 0,
  });
  expect(shown.stdout).toMatch(/kept {6}prompt removed\n {2}kept {6}answer removed/);
  expect(shown.stdout).toMatch(/cost {6}\$0\.\d+/);
  const [line = ""] = results.stdout.split("\n");
  expect(JSON.parse(line)).toMatchObject({
    id: "plain-0",
    error: { kind: "removed", message: expect.stringContaining("no longer kept") },
    cost_usd: expect.stringMatching(/^0\.\d+$/),
  });

  writeFileSync(join(cwd, "millrace.json"), JSON.stringify({ retention: { logsDays: 2 } }));
  const gone = await cli("prune");
  expect(gone.stdout).toContain("removed 0 prompts, 0 answers, 6 requests with 6 calls, 1 batches");
  const [nobody, stats] = await Promise.all([cli("request", "show", id), cli("provider", "stats", "--json")]);
  expect(nobody.code).toBe(1);
  expect(JSON.parse(stats.stdout).models.length).toBeGreaterThan(0);
}, 180_000);
