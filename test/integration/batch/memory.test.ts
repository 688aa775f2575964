/** A large file is read, never held: the peak of a process of its own is measured. */
import { spawn } from "node:child_process";
import { createWriteStream, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it } from "vitest";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const bound = 150 * 1024 * 1024;

const services = useServices();

function* lines(count: number, words = 10): Generator<string> {
  for (let at = 0; at < count; at += 1) {
    const content = `Question ${at}: ${"what turns the wheel ".repeat(words)}`;
    const body = { model: "gpt-5-mini", messages: [{ role: "user", content }] };
    yield `${JSON.stringify({ custom_id: `request-${at}`, method: "POST", url: "/v1/chat/completions", body })}\n`;
  }
}

const measure = `
  const [check, input, path] = process.argv.slice(1);
  const { checkInput } = await import(check);
  const { openInput } = await import(input);
  const before = process.memoryUsage().rss;
  const opened = await openInput(path);
  const rules = { defaults: { model: undefined, priority: "bulk" }, verdict: () => ({}) };
  const checked = await checkInput(opened.input, rules);
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ good: checked.good, bad: checked.problems.count, grown: peak - before }));`;

it("checking a file of 200 MB grows the process by less than 150 MB", async () => {
  const path = join(workFolder(), "large.jsonl");
  const count = 600_000;
  await pipeline(Readable.from(lines(count)), createWriteStream(path));
  expect(statSync(path).size).toBeGreaterThan(200_000_000);

  const built = (name: string) => new URL(`../../../dist/producers/jsonl/${name}.js`, import.meta.url).href;
  const args = ["--input-type=module", "--eval", measure, built("check"), built("input"), path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) out += chunk;
  const { good, bad, grown }: { good: number; bad: number; grown: number } = JSON.parse(out);
  console.log(`checking ${(statSync(path).size / 1e6).toFixed(0)} MB took ${(grown / 1e6).toFixed(0)} MB of memory`);
  expect({ good, bad }).toEqual({ good: count, bad: 0 });
  expect(grown).toBeLessThan(bound);
});

/** Without any file the command line takes 40 MB; with little more it only collects garbage. */
it("a file of 120 MB is handed in by a process whose heap may hold 96 MB, its own code included", async () => {
  const cwd = workFolder();
  const count = 48_000;
  await pipeline(Readable.from(lines(count, 120)), createWriteStream(join(cwd, "large.jsonl")));
  expect(statSync(join(cwd, "large.jsonl")).size).toBeGreaterThan(120_000_000);
  const environment = {
    NODE_OPTIONS: "--max-old-space-size=96",
    OPENAI_API_KEY: "o",
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };

  const submitted = await runCli(["batch", "submit", "large.jsonl"], { cwd, environment });

  expect(submitted.code, submitted.stderr).toBe(0);
  expect(submitted.stdout).toContain("accepted 48,000 lines");
}, 180_000);
