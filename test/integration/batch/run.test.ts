import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type SimulatorOptions, startSimulator } from "../../../src/simulator/simulator.ts";
import { idsIn, openaiLines, plainLines, simulated, writeLines } from "../../support/batch-files.ts";
import { type CliEnd, runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** A folder, a simulator and databases of the test's own, and the command line on all of them. */
async function openDesk(options: SimulatorOptions = {}) {
  const simulator = await startSimulator(options);
  onTestFinished(() => simulator.close());
  const cwd = workFolder();
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
    // Faults are to be met by retries here, not waited out behind a circuit.
    PROVIDER_CIRCUIT_THRESHOLD: "1000",
    MILLRACE_CONFIG: "millrace.json",
  };
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify({ circuit: { ratio: 1, minimumCalls: 10_000 } }));
  return {
    simulator,
    cwd,
    cli: (...args: string[]): Promise<CliEnd> => runCli(args, { cwd, environment }),
    answers: (name: string) => answersOf(readFileSync(join(cwd, name), "utf8")),
  };
}

const answersOf = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

describe("batch run", () => {
  it("answers every line once, in input order, in the wire it came in, through faults of the providers", async () => {
    const { cli, cwd, simulator, answers } = await openDesk({
      latency: { firstTokenMs: { p50: 5, p99: 50 }, perTokenMs: 0 },
    });
    simulator.order([
      { kind: "server-error", times: 6 },
      { kind: "rate-limit", retryAfterS: 0, times: 6 },
      { kind: "cut-stream", times: 2, how: "reset" },
    ]);
    const lines = [...plainLines(100), ...openaiLines(100)];
    writeLines(cwd, "in.jsonl", lines);
    const ended = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl");
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toContain("completed: accepted 200, succeeded 200, failed 0");
    const wanted = [...Array(200).keys()].map((at) => (at < 100 ? `plain-${at}` : `openai-${at - 100}`));
    expect(idsIn(cwd, "out.jsonl")).toEqual(wanted);
    const [plain] = answers("out.jsonl");
    expect(plain).toMatchObject({
      id: "plain-0",
      line: 1,
      text: expect.stringMatching(/./),
      provider: "anthropic",
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
      cost_usd: expect.stringMatching(/^0\.\d{4,9}$/),
    });
    expect(answers("out.jsonl")[101]).toMatchObject({
      custom_id: "openai-1",
      response: { status_code: 200, body: { object: "chat.completion", model: "gpt-5-mini" } },
      error: null,
      millrace: { line: 102, provider: "openai" },
    });
    // Each line was answered once at the provider, too.
    expect(simulator.summary().byCorrelation.extraAnswers).toBe(0);
  });

  it("again finds its batch and writes the answers again; other options or --new make another", async () => {
    const { cli, cwd, simulator } = await openDesk();
    writeLines(cwd, "in.jsonl", plainLines(20));
    const run = async (...more: string[]) => {
      const { code, stdout, stderr } = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl", "--json", ...more);
      expect(code, stderr).toBe(0);
      const { id, answers }: { id: string; answers: number } = JSON.parse(stdout);
      expect(answers).toBe(20);
      return { id, stderr, calls: simulator.summary().calls };
    };
    const first = await run();
    writeFileSync(join(cwd, "out.jsonl"), "overwritten by somebody");
    const second = await run();
    expect(second).toMatchObject({ id: first.id, calls: 20 });
    expect(second.stderr).toContain("has ended before");
    expect(idsIn(cwd, "out.jsonl")).toHaveLength(20);
    // Another default changes what the lines mean.
    const other = await run("--priority", "standard");
    const anew = await run("--new");
    expect(anew.calls).toBe(60);
    expect(new Set([first.id, other.id, anew.id]).size).toBe(3);
  });

  it("leaves bad lines out where it may", async () => {
    const { cli, cwd } = await openDesk();
    writeLines(cwd, "in.jsonl", ["nope", ...plainLines(3), plainLines(1)[0] ?? "", '{"id":"z"}']);
    const ended = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl", "--skip-bad");
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('in.jsonl:5: has the id "plain-0" of line 2 again');
    expect(ended.stderr).toContain("3 bad lines left out: they get no line in the output.");
    expect(ended.stdout).toContain("3 answers in out.jsonl; 3 bad lines left out");
    expect(idsIn(cwd, "out.jsonl")).toEqual(["plain-0", "plain-1", "plain-2"]);
  });

  it("ends with 2 when some lines failed, and retry runs just those again", async () => {
    const { cli, cwd, simulator, answers } = await openDesk();
    simulator.order({ kind: "server-error", provider: "openai", probability: 1 });
    writeLines(cwd, "in.jsonl", plainLines(9));
    const failed = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl", "--json");
    expect(failed.code, failed.stderr).toBe(2);
    const { id, counts }: { id: string; counts: unknown } = JSON.parse(failed.stdout);
    expect(counts).toMatchObject({ accepted: 9, succeeded: 6, failed: 3 });
    expect(answers("out.jsonl")[1]).toMatchObject({ id: "plain-1", line: 2, error: { kind: "server" } });
    const listed = await cli("batch", "results", id, "--failed");
    expect(listed.stdout.trim().split("\n")).toHaveLength(3);

    simulator.clearFaults();
    expect((await cli("batch", "retry", id, "--failed")).stdout).toContain("3 failed lines run again");
    const mended = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl");
    expect(mended.code, mended.stderr).toBe(0);
    expect(idsIn(cwd, "out.jsonl")).toEqual(plainLines(9).map((_line, at) => `plain-${at}`));
    // Each of the three was tried three times before.
    expect(simulator.summary().calls).toBe(6 + 9 + 3);
  });

  it("ends with 3 when no line was answered", async () => {
    const { cli, cwd, simulator } = await openDesk();
    simulator.order({ kind: "server-error", probability: 1 });
    writeLines(cwd, "in.jsonl", openaiLines(3));
    const ended = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl");
    expect(ended.code, ended.stderr).toBe(3);
    expect(idsIn(cwd, "out.jsonl")).toHaveLength(3);
  });
});

describe("a submitted batch", () => {
  it("waits for workers, is listed and shown, and can be cancelled", async () => {
    const { cli, cwd } = await openDesk();
    writeLines(cwd, "in.jsonl", plainLines(30));
    const submitted = await cli("batch", "submit", "in.jsonl", "--json");
    expect(submitted.code, submitted.stderr).toBe(0);
    expect(submitted.stderr).toContain("No worker is running");
    const { id, fresh }: { id: string; fresh: boolean } = JSON.parse(submitted.stdout);
    expect(fresh).toBe(true);
    expect(existsSync(join(cwd, "in.out.jsonl"))).toBe(false);

    const listed: unknown = JSON.parse((await cli("batch", "ls", "--json")).stdout);
    expect(listed).toMatchObject([{ id, state: "running", source: "in.jsonl", counts: { accepted: 30, queued: 30 } }]);
    const shown = await cli("batch", "show");
    expect(shown.stdout).toMatch(/limited by +no worker for anthropic\.haiku, .*: start one with `millrace up`/);

    expect((await cli("batch", "cancel", id)).stdout).toContain("30 lines cancelled");
    expect((await cli("batch", "cancel", id)).stdout).toContain("nothing to cancel");
    const watched = await cli("batch", "watch", id);
    expect(watched.code).toBe(3);
    // A cancelled batch is not found again: the same file starts over.
    const again: { id: string } = JSON.parse((await cli("batch", "submit", "in.jsonl", "--json")).stdout);
    expect(again.id).not.toBe(id);
  });

  it("is followed from its first answer to its last, in input order", async () => {
    const { cli, cwd } = await openDesk({ latency: { firstTokenMs: { p50: 20, p99: 400 }, perTokenMs: 0 } });
    writeLines(cwd, "in.jsonl", openaiLines(60));
    await cli("batch", "submit", "in.jsonl");
    const [followed, ran] = await Promise.all([
      cli("batch", "results", "--follow"),
      cli("batch", "run", "in.jsonl", "-o", "out.jsonl"),
    ]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(followed.code, followed.stderr).toBe(0);
    expect(followed.stdout).toBe(readFileSync(join(cwd, "out.jsonl"), "utf8"));
    const asList = await cli("batch", "results", "--json");
    expect(JSON.parse(asList.stdout)).toEqual(answersOf(followed.stdout));
  });

  it("that nobody works on in time expires, line by line", async () => {
    const { cli, cwd, simulator, answers } = await openDesk();
    writeLines(cwd, "in.jsonl", openaiLines(3));
    await cli("batch", "submit", "in.jsonl", "--deadline", "1ms");
    const ended = await cli("batch", "run", "in.jsonl", "-o", "out.jsonl", "--deadline", "1ms");
    expect(ended.code, ended.stderr).toBe(3);
    expect(answers("out.jsonl")[0]).toMatchObject({ response: null, error: { code: "batch_expired" } });
    expect(simulator.summary().calls).toBe(0);
  });

  it("of another name than any is said not to exist", async () => {
    const { cli } = await openDesk();
    for (const command of ["show", "watch", "results", "cancel"]) {
      const ended = await cli("batch", command, "01a1fdda-932f-70fc-aad0-4e1a7d8a6c46");
      expect(ended.code).toBe(64);
      expect(ended.stderr).toContain(
        "No batch is called 01a1fdda-932f-70fc-aad0-4e1a7d8a6c46: see `millrace batch ls`.",
      );
    }
  });
});
