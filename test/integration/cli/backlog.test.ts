import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Millrace, OrderRefused } from "../../../producers/library/millrace.ts";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { plainLines, writeLines } from "../../support/batch-files.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function place(settings: object) {
  const cwd = workFolder();
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify(settings));
  const environment = {
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
    ANTHROPIC_API_KEY: "a",
    OPENAI_API_KEY: "o",
    GOOGLE_API_KEY: "g",
  };
  return { cwd, environment, cli: (...args: string[]) => runCli(args, { cwd, environment }) };
}

it("a file is handed in whole, or refused whole with the numbers and exit code 75", async () => {
  const { cli, cwd, environment } = await place({ backlog: { maxOpenPerTenant: 30 } });
  writeLines(cwd, "large.jsonl", plainLines(31));
  writeLines(cwd, "first.jsonl", plainLines(20));
  writeLines(cwd, "second.jsonl", plainLines(11));

  const large = await cli("batch", "submit", "large.jsonl");
  const first = await cli("batch", "submit", "first.jsonl");
  const second = await cli("batch", "submit", "second.jsonl");
  const run = await cli("batch", "run", "second.jsonl", "--tenant", "default", "--priority", "standard");
  const again = await cli("batch", "submit", "first.jsonl");

  expect(large.code, large.stderr).toBe(75);
  expect(large.stderr).toMatch(/30 may be open, 0 are, and 31 more were handed in\. So many never fit at once/);
  expect([first.code, first.stdout]).toEqual([0, expect.stringContaining("accepted 20 lines")]);
  for (const refused of [second, run]) {
    expect(refused.code).toBe(75);
    expect(refused.stderr).toMatch(/30 may be open, 20 are, and 11 more were handed in\. .*Come again in \d+ s/);
  }
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("handed in before")]);
  const ledger = openLedger(environment.DATABASE_URL);
  expect(
    await ledger.sql`select count(*)::int as n, (select count(*)::int from batches) as batches from requests`,
  ).toEqual([{ n: 20, batches: 1 }]);
  await ledger.close();
});

it("single requests are refused by the command line and by the library alike", async () => {
  const { cli, cwd, environment } = await place({ backlog: { maxOpen: 1 } });
  const millrace = await Millrace.connect({ directory: cwd, environment });
  await millrace.enqueue({ prompt: "One" });

  const refused = await millrace.enqueue({ prompt: "Two" }).catch((error: unknown) => error);
  await millrace.close();
  const run = await cli("run", "Two");

  expect(refused).toBeInstanceOf(OrderRefused);
  expect(refused).toMatchObject({ message: expect.stringContaining("The backlog is full"), retryAfterSeconds: 30 });
  expect([run.code, run.stderr]).toEqual([75, expect.stringContaining("1 may be open, 1 is")]);
});
