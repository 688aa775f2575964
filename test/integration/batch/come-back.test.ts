/** Leaving and coming back: Ctrl-C, kill -9 at the worst moment, and a file that is not what it was. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { handIn } from "../../../producers/cli/commands/batch-hand-in.ts";
import { checkInput } from "../../../producers/jsonl/check.ts";
import type { Input } from "../../../producers/jsonl/input.ts";
import { batchCounts, lastLineOf, recentBatches } from "../../../src/ledger/batches.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { idsIn, plainLines, simulated, writeLines } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices();

async function openDesk() {
  const simulator = await startSimulator({ latency: { firstTokenMs: { p50: 50, p99: 200 }, perTokenMs: 1 } });
  const databaseUrl = await services.emptyDatabase();
  const ledger = openLedger(databaseUrl);
  onTestFinished(async () => {
    await ledger.close();
    await simulator.close();
  });
  const environment = { ...simulated(simulator), REDIS_URL: await services.emptyRedis(), DATABASE_URL: databaseUrl };
  return { simulator, ledger, cwd: workFolder(), environment };
}

it("a hand-in killed in the middle goes on behind its last line, in the same batch", async () => {
  const { ledger, cwd, environment } = await openDesk();
  const total = 20_000;
  writeLines(cwd, "in.jsonl", plainLines(total));
  const first = startCli(["batch", "submit", "in.jsonl"], { cwd, environment });
  const batch = await eventually("lines come in", async () => {
    const [newest] = await recentBatches(ledger, "default", 1);
    return newest !== undefined && (await lastLineOf(ledger, newest.id)) >= 2_000 ? newest : undefined;
  });
  first.kill("SIGKILL");
  await first.ended;
  const kept = await lastLineOf(ledger, batch.id);
  expect(kept).toBeLessThan(total);
  expect((await recentBatches(ledger, "default", 1))[0]).toMatchObject({ id: batch.id, state: "accepting" });

  const second = await runCli(["batch", "submit", "in.jsonl", "--json"], { cwd, environment });
  expect(second.code, second.stderr).toBe(0);
  expect(JSON.parse(second.stdout)).toMatchObject({ id: batch.id, state: "running", fresh: false, total });
  expect(await batchCounts(ledger, batch.id)).toMatchObject({ accepted: total, queued: total });
  const [lines] = await ledger.sql`
    select count(distinct line_no)::int as lines, count(distinct custom_id)::int as ids, count(distinct request_id)::int as requests,
      max(line_no) as last from batch_lines where batch_id = ${batch.id}`;
  expect(lines).toEqual({ lines: total, ids: total, requests: total, last: total });
});

it("two runs of one file at the same moment make one batch and answer each line once", async () => {
  const { simulator, ledger, cwd, environment } = await openDesk();
  writeLines(cwd, "in.jsonl", plainLines(300));
  const runs = await Promise.all(
    ["a.jsonl", "b.jsonl"].map((output) => runCli(["batch", "run", "in.jsonl", "-o", output], { cwd, environment })),
  );
  for (const run of runs) expect(run.code, run.stderr).toBe(0);
  expect(await recentBatches(ledger, "default", 10)).toHaveLength(1);
  expect(idsIn(cwd, "a.jsonl")).toEqual(plainLines(300).map((_line, at) => `plain-${at}`));
  expect(idsIn(cwd, "b.jsonl")).toEqual(idsIn(cwd, "a.jsonl"));
  expect(simulator.summary().calls).toBe(300);
});

it("Ctrl-C detaches, says how to come back, and the same command goes on to the end", async () => {
  const { simulator, cwd, environment } = await openDesk();
  writeLines(cwd, "in.jsonl", plainLines(300));
  const slow = { ...environment, CLAUDE_RPM: "600", OPENAI_RPM: "600", GEMINI_RPM: "600" };
  const run = startCli(["batch", "run", "in.jsonl", "-o", "out.jsonl"], { cwd, environment: slow });
  await eventually("the first calls are made", () => simulator.summary().calls >= 30);
  run.kill("SIGINT");
  const left = await run.ended;
  expect(left.code, left.stderr).toBe(1);
  expect(left.stderr).toMatch(/Detached from batch [0-9a-f-]{36}: \d+ of 300 done, nothing is lost\./);
  expect(left.stderr).toContain("Come back with the same command, or with `millrace up` and `millrace batch watch");
  expect(left.stdout).toBe("");

  const back = await runCli(["batch", "run", "in.jsonl", "-o", "out.jsonl"], { cwd, environment });
  expect(back.code, back.stderr).toBe(0);
  expect(back.stderr).toContain("of this file goes on");
  expect(idsIn(cwd, "out.jsonl")).toEqual(plainLines(300).map((_line, at) => `plain-${at}`));
  expect(simulator.summary().calls).toBe(300);
});

it("Postgres and Redis that go away in the middle are waited for, in words", async () => {
  const { simulator, cwd, environment } = await openDesk();
  const [redis, postgres] = await Promise.all([severable(environment.REDIS_URL), severable(environment.DATABASE_URL)]);
  writeLines(cwd, "in.jsonl", plainLines(150));
  // Answers wait for the ledger. A job that Redis handed out just when it was cut comes back when its lock has run out: soon
  // enough for a test, and not so soon that a loaded machine loses the locks of what it is working on.
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify({ worker: { leaseMs: 10_000 } }));
  const paced = { CLAUDE_RPM: "600", OPENAI_RPM: "600", GEMINI_RPM: "600" };
  const run = startCli(["batch", "run", "in.jsonl", "-o", "out.jsonl"], {
    cwd,
    environment: { ...environment, ...paced, REDIS_URL: redis.url, DATABASE_URL: postgres.url },
  });
  await eventually("the first calls are made", () => simulator.summary().calls >= 30);
  redis.cut();
  postgres.cut();
  await run.said(/Postgres does not answer; waiting for it|The ledger has not answered/);
  redis.mend();
  postgres.mend();
  const ended = await run.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect(idsIn(cwd, "out.jsonl")).toEqual(plainLines(150).map((_line, at) => `plain-${at}`));
});

it("a file that grew is another batch", async () => {
  const { ledger, cwd, environment } = await openDesk();
  writeLines(cwd, "in.jsonl", plainLines(3));
  await runCli(["batch", "submit", "in.jsonl"], { cwd, environment });
  appendFileSync(join(cwd, "in.jsonl"), '{"prompt":"one more"}\n');
  await runCli(["batch", "submit", "in.jsonl"], { cwd, environment });
  expect((await recentBatches(ledger, "default", 10)).map((batch) => batch.total)).toEqual([4, 3]);
});

it("a file that changes between its two readings is refused, and what came in of it is cancelled", async () => {
  const fleet = await openTestFleet(services);
  const before = plainLines(1_500).join("\n");
  let content = before;
  const input: Input = {
    path: "in.jsonl",
    bytes: before.length,
    async *chunks() {
      yield Buffer.from(content);
    },
    close: async () => {},
  };
  const rules = { defaults: { model: undefined, priority: "bulk" }, verdict: () => ({}) } as const;
  const checked = await checkInput(input, rules);
  content = before.replace("number 1499", "number 1500");
  const handed = handIn({
    fleet,
    input,
    rules,
    checked,
    options: { priority: "bulk" },
    source: "in.jsonl",
    say: () => {},
    leave: new AbortController().signal,
  });
  await expect(handed).rejects.toThrow(/in\.jsonl changed while it was read\. Batch .* was cancelled/);
  const [batch] = await recentBatches(fleet.ledger, fleet.config.tenant, 1);
  expect(batch?.state).toBe("cancelled");
  expect(await batchCounts(fleet.ledger, batch?.id ?? "")).toMatchObject({ accepted: 1_000, cancelled: 1_000 });
});
