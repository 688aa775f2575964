import postgres from "postgres";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const lane = "openai.gpt-5-mini";

async function place() {
  const simulator = await startSimulator({ outputTokens: { p50: 20, p99: 40 } });
  onTestFinished(() => simulator.close());
  const environment = {
    ...simulated(simulator),
    REDIS_URL: await services.emptyRedis(),
    DATABASE_URL: await services.emptyDatabase(),
  };
  const options = { cwd: workFolder(), environment };
  const json = async (...args: string[]) => JSON.parse((await runCli([...args, "--json"], options)).stdout);
  return { simulator, options, json };
}

it("works in processes of one kind each, which drain when they are told to stop", async () => {
  const { simulator, options, json } = await place();
  const processes = ["feeder", "reconciler", "openai"].map((name) => startCli(["worker", name], options));
  await Promise.all(processes.map((process) => process.said(/Working: /)));

  const run = await json("run", "Say hello", "--model", "gpt-5-mini", "--priority", "bulk");
  const [status] = (await json("queue", "status")).lanes.filter((entry: { lane: string }) => entry.lane === lane);
  for (const process of processes) process.kill("SIGTERM");

  expect(run).toMatchObject({ state: "succeeded", priority: "bulk" });
  expect(status).toMatchObject({ workers: 1, queued: 0, redis_waiting: 0, paused: false, oldest_ms: null });
  expect(simulator.ledger()).toHaveLength(1);
  expect(await Promise.all(processes.map(async (process) => (await process.ended).code))).toEqual([0, 0, 0]);
});

it("says over HTTP whether a worker can work, where it is given a port", async () => {
  const { options } = await place();
  const port = await freePort(undefined);
  const worker = startCli(["worker", "all", "--port", String(port)], options);
  await worker.said(/Working: /);
  const url = `http://127.0.0.1:${port}`;

  const [ready, metrics, other] = await Promise.all(
    ["readyz", "metrics", "v1/requests"].map((path) => fetch(`${url}/${path}`)),
  );
  worker.kill("SIGTERM");

  expect([ready?.status, metrics?.status, other?.status]).toEqual([200, 200, 404]);
  expect(await ready?.json()).toEqual({ status: "ready", checks: { ledger: "ok", redis: "ok", migrations: "ok" } });
  expect((await worker.ended).code).toBe(0);
});

it("accepts nothing while Postgres takes no writes, says so in a sentence, and ends with code 1", async () => {
  const { options } = await place();
  const { DATABASE_URL } = options.environment;
  const sql = postgres(DATABASE_URL, { max: 1 });
  // Of sessions that begin from here on.
  const change = (words: string) => sql.unsafe(`alter database ${sql.options.database} ${words}`);
  await change("set default_transaction_read_only = on");
  onTestFinished(async () => {
    await change("reset default_transaction_read_only");
    await sql.end();
  });

  const refused = await runCli(["run", "Say hello"], options);

  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /^millrace: Postgres takes no writes now \(cannot execute .* in a read-only transaction\)/,
  );
  expect(refused.stderr).not.toMatch(/\n\s+at /);
});

it("refuses to work for a provider without a key, and for a name that is nothing", async () => {
  const { options } = await place();
  const environment = { ...options.environment, GOOGLE_API_KEY: "" };

  const keyless = await runCli(["worker", "gemini"], { ...options, environment });
  const unknown = await runCli(["worker", "gemni"], options);

  expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining("set GOOGLE_API_KEY") });
  expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining("There is no gemni") });
});

it("pauses a lane until it is resumed, and cancels what waits in it", async () => {
  const { simulator, options, json } = await place();
  const paused = await json("queue", "pause", lane, "--reason", "maintenance");
  const run = startCli(["run", "Say hello", "--model", "gpt-5-mini", "--json"], options);
  const worker = startCli(["worker", "all"], options);
  await worker.said(/Working: /);
  const status = await runCli(["queue", "status"], options);

  const resumed = await json("queue", "resume", lane);

  expect(paused).toEqual({ paused: [lane] });
  expect(status.stdout).toMatch(new RegExp(`^${lane} .* paused$`, "m"));
  expect(resumed).toEqual({ resumed: [lane], released: 0 });
  const ended = await run.ended;
  expect(ended.code).toBe(0);
  const { id } = JSON.parse(ended.stdout);
  expect((await runCli(["request", "cancel", id], options)).stderr).toContain("has succeeded already");
  expect(simulator.ledger()).toHaveLength(1);
});

it("tells a request's story, with its content only when asked", async () => {
  const { simulator, options, json } = await place();
  simulator.order({ kind: "auth", provider: "anthropic" });
  const chain = { ...options, environment: { ...options.environment, FALLBACK_CHAIN: "openai" } };
  const { id, result } = JSON.parse((await runCli(["run", "swordfish", "--json"], chain)).stdout);

  const plain = await runCli(["request", "show", id], options);
  const full = await runCli(["request", "show", id, "--content"], options);
  const document = await json("request", "show", id);
  const nobody = await runCli(["request", "show", "x"], options);

  expect(plain.stdout).toContain(`${result.text.length} characters`);
  expect(plain.stdout).toContain("anthropic/claude-haiku-4-5 gave up: auth");
  expect(plain.stdout).toContain("2. openai/gpt-5-mini succeeded");
  expect(plain.stdout + JSON.stringify(document)).not.toMatch(/swordfish/);
  expect(plain.stdout).not.toContain(result.text);
  expect(full.stdout).toContain("swordfish");
  expect(full.stdout).toContain(result.text);
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining("No request has the id x") });
});

it("shows calls and figures by provider", async () => {
  const { simulator, options, json } = await place();
  const worker = startCli(["worker", "all"], options);
  await worker.said(/Working: /);
  simulator.order({ kind: "missing-usage", provider: "openai" });
  await runCli(["run", "Say hello", "--model", "gpt-5-mini"], options);
  await runCli(["run", "Say hello", "--model", "claude-haiku-4-5"], options);
  worker.kill("SIGTERM");
  await worker.ended;

  const logs = await runCli(["provider", "logs", "-n", "5"], options);
  const own = await json("provider", "logs", "-p", "openai");
  const failed = await runCli(["provider", "logs", "--failed"], options);
  const health = await runCli(["provider", "health", "--verbose"], options);

  expect(logs.stdout.split("\n").filter((line) => line.includes("succeeded"))).toHaveLength(2);
  expect(logs.stdout).toMatch(/openai .* unknown +unknown +unknown/);
  expect(own.calls).toMatchObject([{ provider: "openai", inputTokens: null, costNanoUsd: null }]);
  expect(failed.stdout).toContain("No call has failed.");
  expect(health.code).toBe(0);
  expect(health.stdout).toMatch(/anthropic +yes +ok, \d+ ms/);
});

it("says of each provider whether it is there", async () => {
  const { simulator, options } = await place();
  const environment = { ...options.environment, OPENAI_API_KEY: "sim-invalid", GOOGLE_API_KEY: "" };

  const health = await runCli(["provider", "health"], { ...options, environment });
  await simulator.close();
  const away = await runCli(["provider", "health", "--json"], options);

  expect(health.code).toBe(1);
  expect(health.stdout).toMatch(/anthropic +yes +ok, /);
  expect(health.stdout).toMatch(/openai +yes +refuses the key \(auth: /);
  expect(health.stdout).toMatch(/gemini +set GOOGLE_API_KEY +- /);
  expect(away.code).toBe(1);
  expect(JSON.parse(away.stdout).providers.filter(({ key }: { key: boolean }) => key)).toMatchObject([
    { answer: { ok: false, kind: "network" } },
    { answer: { ok: false, kind: "network" } },
    { answer: { ok: false, kind: "network" } },
  ]);
});
