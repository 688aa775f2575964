/** Bad input is answered before anything starts: these commands have no service, and find none. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { withCheckedFile } from "../../../producers/cli/commands/batch-input.ts";
import { CommandFailed, endOf } from "../../../producers/cli/exit.ts";
import type { Shell } from "../../../producers/cli/shell.ts";
import { runCli, workFolder } from "../../support/cli.ts";

const keys = { ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", GOOGLE_API_KEY: "k" };

const good = '{"prompt":"Hello"}\n';
const cases: readonly { name: string; content: string | Buffer; code: number; says: readonly string[] }[] = [
  {
    name: "malformed lines",
    content: `${good}nope\n${good}{"prompt":1}\n`,
    code: 2,
    says: [
      "in.jsonl:2: is not JSON",
      "in.jsonl:4: prompt must be a string",
      "2 of 4 lines bad",
      "nothing was enqueued",
      "--skip-bad",
    ],
  },
  {
    name: "a duplicate id",
    content: '{"id":"a","prompt":"x"}\n{"id":"b","prompt":"x"}\n{"id":"a","prompt":"x"}\n',
    code: 2,
    says: ['in.jsonl:3: has the id "a" of line 1 again'],
  },
  {
    name: "an unknown model",
    content: '{"prompt":"x","model":"gpt-99"}\n',
    code: 2,
    says: ['in.jsonl:1: No model is called "gpt-99". Known: gpt-'],
  },
  { name: "an empty file", content: "", code: 2, says: ["in.jsonl is empty"] },
  { name: "a file of blank lines", content: "\n \r\n\n", code: 2, says: ["in.jsonl is empty"] },
  { name: "a file that ends mid-line", content: `${good}{"prompt":"Hel`, code: 2, says: ["in.jsonl:2: is cut off"] },
  {
    name: "a line that is too long",
    content: Buffer.concat([Buffer.alloc(33 * 1024 * 1024, "x"), Buffer.from("\n")]),
    code: 2,
    says: ["in.jsonl:1: is 33 MiB long; the longest accepted is 32 MiB"],
  },
  {
    name: "a compressed file",
    content: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]),
    code: 2,
    says: ["in.jsonl:1: is compressed (gzip)"],
  },
  {
    name: "two hundred and fifty bad lines",
    content: "nope\n".repeat(250),
    code: 2,
    says: ["in.jsonl:100: is not JSON", "… and 150 more bad lines", "250 of 250 lines bad"],
  },
];

it.each(cases)("$name: is said, refused with $code, and nothing is begun", async ({ content, code, says }) => {
  for (const [name, value] of Object.entries(keys)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const cwd = workFolder();
  const path = join(cwd, "in.jsonl");
  writeFileSync(path, content);
  const notes: string[] = [];
  const shell: Shell = { json: false, line: () => {}, result: () => {}, note: (text) => notes.push(text) };
  const begin = vi.fn();
  const refused: unknown = await withCheckedFile(path, { priority: "bulk" }, shell, begin).catch((error) => error);
  expect(refused).toBeInstanceOf(CommandFailed);
  const { message, code: ended } = endOf(refused);
  expect(ended).toBe(code);
  for (const words of says) expect([...notes, message].join("\n")).toContain(words);
  expect(begin).not.toHaveBeenCalled();
});

it("run says it on stderr without a stack, ends with 2, and starts no service", async () => {
  const cwd = workFolder();
  writeFileSync(join(cwd, "in.jsonl"), `${good}nope\n`);
  const run = await runCli(["batch", "run", "in.jsonl", "-o", "out.jsonl"], { cwd, environment: keys });
  expect(run.code, run.stderr).toBe(2);
  expect(run.stderr).toMatch(
    /^in\.jsonl:2: is not JSON.*\nmillrace: 1 of 2 lines bad in in\.jsonl; nothing was enqueued/,
  );
  expect(run.stderr).not.toMatch(/\n\s+at /);
  // No service was started, no output begun.
  expect(readdirSync(cwd)).toEqual(["in.jsonl"]);
});

it("validate says all of it on stdout, without a service", async () => {
  const cwd = workFolder();
  const lines = cases.filter(({ name }) => !/blank|long|compressed|hundred/.test(name)).map(({ content }) => content);
  writeFileSync(join(cwd, "in.jsonl"), lines.join(""));
  const { code, stdout } = await runCli(["batch", "validate", "in.jsonl"], { cwd, environment: keys });
  expect(code).toBe(2);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/^(in\.jsonl(:\d+)?: .{12}).*/, "$1")),
  ).toEqual([
    "in.jsonl:2: is not JSON:",
    "in.jsonl:4: prompt must ",
    'in.jsonl:7: has the id "',
    "in.jsonl:8: No model is ",
    "in.jsonl:10: is cut off: ",
    "in.jsonl: 5 of 10 line",
  ]);
  expect(readdirSync(cwd)).toEqual(["in.jsonl"]);
});

it("what is no file, or no place for an output, is wrong usage", async () => {
  const cwd = workFolder();
  writeFileSync(join(cwd, "in.jsonl"), good);
  mkdirSync(join(cwd, "folder"));
  const say = async (...args: string[]) => {
    const { code, stderr } = await runCli(["batch", "run", ...args], { cwd, environment: keys });
    return { code, stderr };
  };
  expect(
    await Promise.all([
      say("missing.jsonl"),
      say("folder"),
      say("in.jsonl", "-o", "in.jsonl"),
      say("in.jsonl", "-o", "nowhere/out.jsonl"),
      say("in.jsonl", "-o", "folder"),
      say("in.jsonl", "--priority", "urgent"),
      say("in.jsonl", "--deadline", "soon"),
    ]),
  ).toEqual([
    { code: 64, stderr: "millrace: missing.jsonl does not exist.\n" },
    { code: 64, stderr: "millrace: folder is a folder; name a file in it.\n" },
    { code: 64, stderr: "millrace: The output in.jsonl is the input itself.\n" },
    { code: 64, stderr: "millrace: The output nowhere/out.jsonl is in a folder that does not exist.\n" },
    { code: 64, stderr: "millrace: The output folder is a folder; name a file in it.\n" },
    { code: 64, stderr: expect.stringContaining("Allowed choices are interactive, standard, bulk") },
    { code: 64, stderr: expect.stringContaining("Give a number and a unit") },
  ]);
});

it("a provider without a key is named before anything is enqueued", async () => {
  const cwd = workFolder();
  writeFileSync(
    join(cwd, "in.jsonl"),
    '{"prompt":"x","model":"gpt-5-mini"}\n{"prompt":"x","model":"claude-haiku-4-5"}\n',
  );
  const { code, stderr } = await runCli(["batch", "submit", "in.jsonl"], {
    cwd,
    environment: { ANTHROPIC_API_KEY: "k" },
  });
  expect(code).toBe(2);
  expect(stderr).toContain("in.jsonl:1: No key for openai: set OPENAI_API_KEY.");
  expect(stderr).toContain("1 of 2 lines bad");
  expect(existsSync(join(cwd, ".millrace"))).toBe(false);
});

it("a good file is good: byte order mark, CRLF, no line feed at the end, a line of ten megabytes", async () => {
  const cwd = workFolder();
  const lines = [
    good.trim(),
    JSON.stringify({ model: "anthropic/large", prompt: "x".repeat(10 * 1024 * 1024) }),
    '{"prompt":"the end"}',
  ];
  writeFileSync(join(cwd, "in.jsonl"), `\uFEFF${lines.join("\r\n")}`);
  const { code, stdout } = await runCli(["batch", "validate", "in.jsonl", "--json"], { cwd, environment: keys });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ file: "in.jsonl", good: 3, bad: 0, problems: [] });
});

it("bad lines as JSON are one document on stdout", async () => {
  const cwd = workFolder();
  writeFileSync(join(cwd, "in.jsonl"), `${good}nope\n`);
  const { code, stdout } = await runCli(["batch", "run", "in.jsonl", "--json"], { cwd, environment: keys });
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    file: "in.jsonl",
    accepted: 0,
    bad: 1,
    problems: [{ line: 2, reason: 'is not JSON: "nope"' }],
  });
});

it("services that are away are named, without a stack", async () => {
  const cwd = workFolder();
  writeFileSync(join(cwd, "in.jsonl"), good);
  const environment = { ...keys, REDIS_URL: "redis://127.0.0.1:1", DATABASE_URL: "postgres://u:p@127.0.0.1:1/d" };
  const { code, stderr } = await runCli(["batch", "submit", "in.jsonl"], { cwd, environment });
  expect(code).toBe(1);
  expect(stderr).toMatch(/(Postgres|Redis) does not answer/);
  expect(stderr).not.toMatch(/\n\s+at /);
});
