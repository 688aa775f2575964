import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { batchCounts, recentBatches } from "../../../src/ledger/batches.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { plainLines, writeLines } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** Keys of the machine's own do not matter: the demo points every provider at its simulator. */
const openDesk = async () => ({
  cwd: workFolder(),
  environment: {
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
    ANTHROPIC_API_KEY: "a key that must not be used",
    MILLRACE_PORT: "0",
  },
});

it("ends with what the ledger says of its batch, and with each answer once in input order", async () => {
  const desk = await openDesk();
  const ended = await runCli(["demo", "--count", "45"], desk);
  expect(ended.code, ended.stderr).toBe(0);
  expect(ended.stdout.trim().split("\n").at(-1)).toBe("accepted 45, succeeded 45, failed 0, lost 0");
  expect(ended.stdout).toContain("each id once, in input order");
  const [, recorded, arrived] = /(\d+) calls recorded, (\d+) arrived/.exec(ended.stdout) ?? [];
  expect(recorded).toBe(arrived);
  const requests = readFileSync(join(desk.cwd, ".millrace/demo/requests.jsonl"), "utf8").trim().split("\n");
  expect(new Set(requests.map((line) => JSON.parse(line).model)).size).toBe(3);
});

it("starts a new batch each time and cancels what a killed demo left", async () => {
  const desk = await openDesk();
  const killed = startCli(["demo", "--count", "300"], desk);
  await killed.said(/300 requests for three providers accepted/);
  killed.kill("SIGKILL");
  await killed.ended;
  const ledger = openLedger(desk.environment.DATABASE_URL);
  try {
    const again = await eventually(
      "Redis lets go of the killed workers",
      async () => {
        const ended = await runCli(["demo", "--count", "6", "--json"], desk);
        return ended.code === 0 ? ended : undefined;
      },
      30_000,
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ accepted: 6, succeeded: 6, lost: 0, inOrder: true });
    expect((await recentBatches(ledger, "default", 5)).map((batch) => batch.state)).toEqual(["completed", "cancelled"]);
  } finally {
    await ledger.close();
  }
});

it("does not touch a ledger with somebody's unfinished requests", async () => {
  const desk = await openDesk();
  const keys = { ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", GOOGLE_API_KEY: "k" };
  writeLines(desk.cwd, "in.jsonl", plainLines(3));
  await runCli(["batch", "submit", "in.jsonl"], { ...desk, environment: { ...desk.environment, ...keys } });
  const ended = await runCli(["demo", "--count", "3"], desk);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain("3 unfinished requests are in this ledger");
  const ledger = openLedger(desk.environment.DATABASE_URL);
  const [batch] = await recentBatches(ledger, "default", 5);
  expect(await batchCounts(ledger, batch?.id ?? "")).toMatchObject({ accepted: 3, queued: 3 });
  await ledger.close();
});
