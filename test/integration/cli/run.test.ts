import { expect, it, onTestFinished } from "vitest";
import { type SimulatorOptions, startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices();

async function place(wish: SimulatorOptions = {}) {
  const simulator = await startSimulator({ outputTokens: { p50: 20, p99: 40 }, ...wish });
  onTestFinished(() => simulator.close());
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };
  return { simulator, options: { cwd: workFolder(), environment } };
}

it("answers by itself where no worker runs, whole and streamed and as JSON", async () => {
  const { simulator, options } = await place();

  const whole = await runCli(["run", "Say hello"], options);
  const streamed = await runCli(["run", "Say hello", "--stream"], options);
  const json = await runCli(["run", "Say hello", "--json", "--priority", "standard", "--tenant", "acme"], options);

  expect([whole.code, streamed.code, json.code]).toEqual([0, 0, 0]);
  const document = JSON.parse(json.stdout);
  expect(document).toMatchObject({ state: "succeeded", priority: "standard", tenant: "acme" });
  // The same request gets the same answer from the simulator.
  expect([whole.stdout.trim(), streamed.stdout.trim()]).toEqual([document.result.text, document.result.text]);
  expect(document.cost_nano_usd).toMatch(/^[1-9]\d*$/);
  expect(simulator.ledger()).toHaveLength(3);
  expect(whole.stderr).toBe("");
});

it("ends with 1 and the reasons when nobody answered", async () => {
  const { simulator, options } = await place();
  simulator.order([
    { kind: "auth", provider: "openai" },
    { kind: "auth", provider: "anthropic" },
  ]);
  const environment = { ...options.environment, PRIMARY_PROVIDER: "openai", FALLBACK_CHAIN: "anthropic" };

  const run = await runCli(["run", "Say hello"], { ...options, environment });

  expect(run.code).toBe(1);
  expect(run.stdout).toBe("");
  expect(run.stderr).toMatch(/Request \S+ has failed/);
  expect(run.stderr).toContain("openai/gpt-5-mini gave up: auth");
  expect(run.stderr).toContain("anthropic/claude-haiku-4-5: auth");
});

it("says before anything is stored that a key or a model is missing", async () => {
  const { simulator, options } = await place();
  const environment = { ...options.environment, ANTHROPIC_API_KEY: "" };

  const keyless = await runCli(["run", "Say hello", "--model", "claude-haiku-4-5"], { ...options, environment });
  const unknown = await runCli(["run", "Say hello", "--model", "gpt-99"], options);
  const empty = await runCli(["run", " "], options);

  expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining("set ANTHROPIC_API_KEY") });
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('No model is called "gpt-99"') });
  expect(empty.code).toBe(64);
  expect(simulator.ledger()).toHaveLength(0);
});

it("cancels its request when its caller leaves", async () => {
  const { simulator, options } = await place();
  simulator.order({ kind: "hang" });
  const run = startCli(["run", "Say hello"], options);
  await eventually("the call hangs", () => simulator.ledger().length === 1);

  run.kill("SIGINT");
  const { code, stderr } = await run.ended;

  expect(code).toBe(1);
  const id = /Cancelled request (\S+);/.exec(stderr)?.[1] ?? "";
  const shown = await runCli(["request", "show", id, "--json"], options);
  expect(JSON.parse(shown.stdout)).toMatchObject({ state: "cancelled", result: null });
});

it.each(["REDIS_URL", "DATABASE_URL"] as const)(
  "says without a stack trace that what %s names is away",
  async (name) => {
    const { options } = await place();
    const gone = await severable(options.environment[name]);
    gone.cut();

    const run = await runCli(["run", "Say hello"], {
      ...options,
      environment: { ...options.environment, [name]: gone.url },
    });

    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`check ${name}`);
    expect(run.stderr).not.toMatch(/\n\s+at /);
  },
);
