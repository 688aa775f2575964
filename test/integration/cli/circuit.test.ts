import { expect, it, onTestFinished } from "vitest";
import { newestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { saveEstimates } from "../../../src/ledger/estimates.ts";
import { openLimitObserver } from "../../../src/ledger/rate-limits.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { simulated } from "../../support/batch-files.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestGate, refusalOf } from "../../support/gate.ts";
import { failure } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";
const sonnet = "anthropic/claude-sonnet-5";

/** A fleet in this process and the command line beside it, on the same services. */
async function place() {
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  const fleet = await openTestFleet(services, { environment: simulated(simulator) });
  const environment = { ...simulated(simulator), REDIS_URL: fleet.redisUrl, DATABASE_URL: fleet.databaseUrl };
  const options = { cwd: workFolder(), environment };
  const circuit = (...args: string[]) => runCli(["provider", "circuit", ...args], options);
  const health = (...args: string[]) => runCli(["provider", "health", ...args], options);
  return { fleet, gate: openTestGate(fleet), circuit, health };
}

it("shows a circuit that opened, since when, why and what is next, and lets calls go again when it is reset", async () => {
  const { fleet, gate, circuit } = await place();
  await gate.calls(haiku, failure("server"), 5);
  expect(refusalOf(await gate.ask(haiku))).toBe("circuit");

  const shown = await circuit("status", "anthropic");
  const { circuits } = JSON.parse((await circuit("status", "--json")).stdout);
  const reset = await circuit("reset", haiku);

  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toMatch(/^DEPLOYMENT +STATE +SINCE +LAST 10 S +WHY +NEXT$/m);
  expect(shown.stdout).toMatch(
    /^anthropic\/claude-haiku-4-5 +open +\d+ (ms|s|min) ago +no calls +5 failures in a row +one call may find out in \d+ s$/m,
  );
  expect(shown.stdout).toMatch(/^anthropic\/claude-sonnet-5 +closed +- +no calls +- +calls go$/m);
  expect(shown.stdout).not.toContain("openai/");
  expect(circuits).toContainEqual(
    expect.objectContaining({ deployment: haiku, state: "open", reason: "5 failures in a row" }),
  );
  expect(circuits).toContainEqual(expect.objectContaining({ provider: "openai", state: "closed", since_ms: null }));
  expect(reset).toMatchObject({ code: 0, stdout: `Reset ${haiku}: ${haiku} was open.\n` });
  expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toMatchObject([
    { deployment: haiku, fromState: "open", toState: "closed", by: "operator" },
  ]);
});

it("isolates a provider, which outlives a wiped Redis, until it is reset", async () => {
  const { fleet, gate, circuit } = await place();
  const reconciler = startReconciler(fleet, () => {});
  onTestFinished(() => reconciler.stop());

  const isolated = await circuit("isolate", "anthropic", "--reason", "maintenance");
  expect(refusalOf(await gate.ask(haiku))).toBe("isolated");
  await (await services.redis()).flushall();
  await eventually("it is isolated again", async () => refusalOf(await gate.ask(haiku)) === "isolated");
  const shown = await circuit("status", "anthropic");
  const one = await circuit("reset", haiku);
  const reset = JSON.parse((await circuit("reset", "anthropic", "--json")).stdout);

  expect(isolated.stdout).toContain("Go on with: millrace provider circuit reset anthropic");
  expect(shown.stdout).toMatch(
    /claude-sonnet-5 +isolated +\d+ (ms|s|min) ago +.* maintenance +no call until: millrace provider circuit reset anthropic$/m,
  );
  expect(one.stderr).toContain("anthropic as a whole is still isolated: millrace provider circuit reset anthropic");
  expect(reset).toMatchObject({ reset: "anthropic", changes: [{ from: "isolated", to: "closed" }] });
  expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  const events = await newestCircuitEvents(fleet.ledger, { limit: 9, provider: "anthropic" });
  expect(
    events.map(({ deployment, fromState, toState, reason, by }) => [deployment, fromState, toState, reason, by]),
  ).toEqual([
    [undefined, "isolated", "closed", "reset by an operator", "operator"],
    [undefined, "closed", "isolated", "maintenance", "operator"],
  ]);
});

it("knows a model that was passed through once it had news, and refuses what is nothing with what there is", async () => {
  const { fleet, circuit } = await place();
  await saveEstimates(fleet.ledger, [{ deployment: "anthropic/claude-next", inputRatio: 1, outputTokens: 9 }]);

  const known = await circuit("isolate", "anthropic/claude-next");
  const typo = await circuit("isolate", "anthropic/claude-hiaku");
  const nothing = await circuit("reset", "antropic");
  const nobody = await circuit("status", "antropic");

  expect(known.code).toBe(0);
  expect(typo).toMatchObject({ code: 64, stderr: expect.stringContaining(haiku) });
  expect(nothing).toMatchObject({ code: 64, stderr: expect.stringContaining("Providers: anthropic, openai, gemini") });
  expect(nobody).toMatchObject({ code: 64, stderr: expect.stringContaining("Providers: anthropic, openai, gemini") });
});

it("shows in provider health what is closed off and, on request, what was learned", async () => {
  const { fleet, gate, health } = await place();
  await gate.calls(sonnet, failure("server"), 5);
  await gate.calls("openai/gpt-5-mini", failure("quotaHard"));
  const pool = fleet.config.catalog.pools.get("anthropic.haiku");
  if (pool === undefined) throw new Error("no such pool");
  const observer = openLimitObserver(fleet.ledger, () => {});
  observer.observe(pool, { requests: { limit: 50, remaining: 49 } }, { requests: 50, inputTokens: 40_000 });
  await observer.close();
  await saveEstimates(fleet.ledger, [{ deployment: haiku, inputRatio: 1.125, outputTokens: 310 }]);

  const short = await health();
  const verbose = await health("--verbose");
  const { providers } = JSON.parse((await health("--json")).stdout);

  expect(short.stdout).toMatch(/^anthropic +yes +ok, \d+ ms +claude-sonnet-5 open /m);
  expect(short.stdout).toMatch(/^openai +yes +ok, \d+ ms +credential off /m);
  expect(short.stdout).toMatch(/^gemini +yes +ok, \d+ ms +closed /m);
  expect(short.stdout).not.toContain("FOLLOWED");
  expect(verbose.stdout).toMatch(/anthropic\.haiku .* inputTokens 40,000, requests 50 .* requests 49 of 50 /);
  expect(verbose.stdout).toMatch(/anthropic\/claude-haiku-4-5 +1\.1[23] +310 tokens /);
  expect(providers[0]).toMatchObject({
    provider: "anthropic",
    circuit: "claude-sonnet-5 open",
    estimates: [{ deployment: haiku, input_ratio: 1.125, output_tokens: 310 }],
  });
});
