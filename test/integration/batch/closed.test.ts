/** A whole `batch run` behind a provider that takes nothing: an open circuit, and a refused key. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { idsIn, simulated, writeLines } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

/** All to one provider, so that nothing of the batch has another way. */
const lines = Array.from({ length: 40 }, (_, at) =>
  JSON.stringify({ id: `line-${at}`, model: "claude-haiku-4-5", prompt: `Number ${at}, please.`, max_tokens: 20 }),
);

async function openDesk() {
  const simulator = await startSimulator({ latency: { firstTokenMs: { p50: 20, p99: 60 }, perTokenMs: 0 } });
  onTestFinished(() => simulator.close());
  const cwd = workFolder();
  writeFileSync(join(cwd, "millrace.json"), JSON.stringify({ circuit: { coolDownMs: 1_000 } }));
  writeLines(cwd, "in.jsonl", lines);
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };
  return { simulator, cwd, environment };
}

const wanted = lines.map((_line, at) => `line-${at}`);
const run = ["batch", "run", "in.jsonl", "-o", "out.jsonl"] as const;

it("a provider that is down is waited for behind its circuit, with a few calls, and every line is answered", async () => {
  const { simulator, cwd, environment } = await openDesk();
  simulator.order({ kind: "overloaded", forMs: 4_000 });
  const ended = await runCli(run, { cwd, environment });
  expect(ended.code, ended.stderr).toBe(0);
  expect(idsIn(cwd, "out.jsonl")).toEqual(wanted);
  const wasted = simulator.ledger().filter(({ fault }) => fault === "overloaded");
  // As many as are under way at once, and a probe for each cool-down.
  expect(wasted.length).toBeLessThanOrEqual(40 + 5);
  expect(simulator.ledger().filter(({ status }) => status === 200)).toHaveLength(40);
});

it("a refused key makes a batch wait and says so; with a good one the same command ends it", async () => {
  const { simulator, cwd, environment } = await openDesk();
  const refused = startCli([...run], { cwd, environment: { ...environment, ANTHROPIC_API_KEY: "sim-invalid" } });
  await refused.said(/credential/);
  refused.kill("SIGINT");
  const left = await refused.ended;
  expect(left.stderr).toMatch(/0 of 40 done, nothing is lost/);

  const ended = await runCli(run, { cwd, environment });
  expect(ended.code, ended.stderr).toBe(0);
  expect(idsIn(cwd, "out.jsonl")).toEqual(wanted);
  expect(simulator.ledger().filter(({ status }) => status === 200)).toHaveLength(40);
});
