import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { runCli, startCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function place() {
  const environment = { REDIS_URL: await services.emptyRedis(), DATABASE_URL: await services.emptyDatabase() };
  return { cwd: workFolder(), environment, port: await freePort(undefined) };
}

const sessionIn = (cwd: string): string => join(cwd, ".millrace", "simulator.json");

it("is a whole fleet, which other commands of the folder find, and ends with one signal", async () => {
  const { port, ...options } = await place();
  const up = startCli(["up", "--simulate", "--latency", "none", "--port", String(port)], options);
  await up.said(/Ctrl-C/);

  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const run = await runCli(["run", "Say hello", "--model", "gpt-5-mini"], options);
  const test = await runCli(["provider", "test", "gemini", "--stream", "--json"], options);
  const health = await runCli(["provider", "health", "--json"], options);
  const status = await runCli(["queue", "status", "--json"], options);
  const taken = await runCli(["up", "--port", String(port)], options);
  up.kill("SIGTERM");
  const { code, stderr } = await up.ended;

  expect(ready.status).toBe(200);
  expect(metrics).toContain("millrace_lane_jobs");
  expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w+/) });
  expect(JSON.parse(test.stdout)).toMatchObject({
    passed: true,
    request: { result: { provider: "gemini" }, attempts: [{ first_token_ms: expect.any(Number) }] },
  });
  expect(health.code).toBe(0);
  const withKey = JSON.parse(health.stdout).providers.filter(({ key }: { key: boolean }) => key);
  expect(withKey).toHaveLength(3);
  const lanes: { lane: string; workers: number }[] = JSON.parse(status.stdout).lanes;
  expect(lanes.find(({ lane }) => lane === "openai.gpt-5-mini")).toMatchObject({ workers: 1, queued: 0, running: 0 });
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(new RegExp(`Port ${port} .* is taken.*--port \\d+`));
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(existsSync(sessionIn(options.cwd))).toBe(false);
  expect((await runCli(["provider", "health"], options)).code).toBe(1);
});

it("ends at once with the second signal", async () => {
  const { port, ...options } = await place();
  const up = startCli(["up", "--simulate", "--latency", "none", "--port", String(port)], options);
  await up.said(/Ctrl-C/);
  const simulator = JSON.parse(readFileSync(sessionIn(options.cwd), "utf8")).url;
  const body = (value: object) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });
  await fetch(`${simulator}/_sim/faults`, body({ kind: "hang" }));
  await fetch(`http://127.0.0.1:${port}/v1/requests`, body({ prompt: "Say hello" }));
  await eventually("the call hangs", async () => {
    return (await (await fetch(`${simulator}/_sim/health`)).text()).includes('"received":1');
  });

  up.kill("SIGTERM");
  await up.said(/Stopping/);
  up.kill("SIGTERM");

  expect((await up.ended).code).toBe(1); // after its grace it would be 0
});

it("says which port is free when its own is taken", async () => {
  const { environment, cwd } = await place();
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const serve = await runCli(["serve", "--port", String(port)], { cwd, environment });

  expect(serve.code).toBe(1);
  expect(serve.stderr).toMatch(new RegExp(`^millrace: Port ${port} on 127\\.0\\.0\\.1 is taken.*--port \\d+`, "m"));
});
