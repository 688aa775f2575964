/** What the fleet makes of limits: of the provider's words about them, of shares, of sizes, and of the retry budget. */
import { describe, expect, onTestFinished, test } from "vitest";
import { shapeOf } from "../../../src/admission/shape.ts";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { promptBody } from "../../../src/request/body.ts";
import { eventually } from "../../support/eventually.ts";
import { neverOpens, openTestFleet, unlimited } from "../../support/fleet.ts";
import { answer, failure, type ReceivedCall, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, callsOf, ended, handIn, inState, prompts, startWork, startWorker } from "../../support/work.ts";

const services = useServices();
const [haiku, mini] = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"];
const impatient = { smart: { deployments: [haiku, mini], maxWaitMs: 1_000 } };
const patient = { smart: { deployments: [haiku, mini], maxWaitMs: 10_000 } };

/** Refuses its first call and names a time; later ones are answered. */
const refusing = (retryAfterMs: number) => {
  let calls = 0;
  return testProvider((call) => {
    calls += 1;
    return calls === 1 ? failure("rate", { status: 429, retryAfterMs }) : answer(call.prompt);
  });
};

const most = async (fleet: Fleet, column: "attempt" | "dispatch_no"): Promise<number> => {
  const [row] = await fleet.ledger.sql<{ n: number }[]>`
    select max(${fleet.ledger.sql(column)})::int as n from requests`;
  return row?.n ?? 0;
};
const word = (calls: readonly ReceivedCall[], first: string) => calls.filter((call) => call.prompt.startsWith(first));

describe("a provider that says when to come back", () => {
  test("in longer than a route waits is left alone by every worker, and its requests go elsewhere at once", async () => {
    const fleet = await openTestFleet(services, { settings: { models: impatient } });
    const providers = { anthropic: refusing(30_000), openai: testProvider() };
    await startWork(fleet, providers);
    startWorker(fleet, providers);
    const [first = ""] = await handIn(fleet, ["hello"], { model: "smart" });
    const left = {
      state: "succeeded",
      attempts: 1,
      deployment: mini,
      passedOver: [{ deployment: haiku, kind: "blocked" }],
    };
    expect(await ended(fleet, first)).toMatchObject(left);
    const ids = [
      ...(await handIn(fleet, prompts(60), { model: "smart", priority: "bulk" })),
      ...(await handIn(fleet, prompts(10), { model: "smart", priority: "interactive" })),
    ];
    for (const id of ids) expect(await ended(fleet, id)).toMatchObject(left);
    expect([providers.anthropic.calls.length, providers.openai.calls.length]).toEqual([1, 71]);
  });

  test("soon is waited for by everybody, and that spends no attempt", async () => {
    const fleet = await openTestFleet(services, { settings: { models: patient, attempts: { baseMs: 1, capMs: 2 } } });
    const providers = { anthropic: refusing(1_500), openai: testProvider() };
    await startWork(fleet, providers);
    startWorker(fleet, providers);
    const [first = ""] = await handIn(fleet, ["hello"], { model: "smart" });
    await inState(fleet, first, "waiting");
    await handIn(fleet, prompts(60), { model: "smart", priority: "bulk" });
    await handIn(fleet, prompts(10), { model: "smart", priority: "interactive" });
    expect(await allEnded(fleet)).toEqual({ succeeded: 71 });
    expect([await most(fleet, "attempt"), providers.openai.calls]).toEqual([1, []]);
    const [refused, ...later] = providers.anthropic.calls;
    expect(later).toHaveLength(71);
    for (const call of later) expect(call.startedAt - (refused?.startedAt ?? 0)).toBeGreaterThanOrEqual(1_499);
  });
});

describe("a request that is larger than a limit ever lets through", () => {
  const large = "word ".repeat(2_000);

  test("is refused where it is handed in, with the numbers, and stores nothing", async () => {
    const pools = { "anthropic.haiku": { ...unlimited, inputTokensPerMinute: 1_000 } };
    const fleet = await openTestFleet(services, { settings: { pools } });
    const body = promptBody("claude-haiku-4-5", large);
    const [refused] = await fleet.intake.accept([{ tenant: "t", priority: "standard", body }]);
    const message = expect.stringMatching(
      /takes \d+ of anthropic\.haiku's inputTokens, which lets 899 through at once/,
    );
    expect(refused).toEqual({ ok: false, refusal: { code: "exceeds_limit", message } });
    const [row] = await fleet.ledger.sql<{ n: number }[]>`select count(*)::int as n from requests`;
    expect(row?.n).toBe(0);
  });

  test("goes straight to the deployment of its route that it fits", async () => {
    const pools = { "anthropic.haiku": { ...unlimited, inputTokensPerMinute: 1_000 } };
    const fleet = await openTestFleet(services, { settings: { pools, models: patient } });
    const providers = { anthropic: testProvider(), openai: testProvider() };
    await startWork(fleet, providers);
    const [id = "", small = ""] = await handIn(fleet, [large, "hello"], { model: "smart" });
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", deployment: mini, passedOver: [] });
    expect(await ended(fleet, small)).toMatchObject({ state: "succeeded", deployment: haiku });
    expect([providers.anthropic.calls.length, providers.openai.calls.length]).toEqual([1, 1]);
  });

  test("since its provider named a lower one fails with the numbers, without a call", async () => {
    const fleet = await openTestFleet(services);
    const limits = { inputTokens: { limit: 1_000 } };
    const anthropic = testProvider((call) => ({ ...answer(call.prompt), limits }));
    await startWork(fleet, { anthropic });
    const [small = ""] = await handIn(fleet, ["hello"]);
    await ended(fleet, small);
    const [id = ""] = await handIn(fleet, [large]);
    expect(await ended(fleet, id)).toMatchObject({
      state: "failed",
      attempts: 0,
      failure: { kind: "client", message: expect.stringMatching(/takes \d+ of inputTokens, and the limit lets \d+/) },
    });
    expect(anthropic.calls).toHaveLength(1);
  });
});

describe("a pool that its traffic uses up", () => {
  const providers = { anthropic: { requestsPerMinute: 600, concurrency: 50 } };

  test("by bulk keeps a fifth of its burst for interactive requests", async () => {
    const fleet = await openTestFleet(services, { settings: { providers } });
    const anthropic = testProvider();
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(300, "bulk"), { priority: "bulk" });
    await eventually("bulk has used up its share of the burst", () => anthropic.calls.length >= 30);
    const before = anthropic.calls.length;
    const ids = await handIn(fleet, prompts(8, "now"), { priority: "interactive" });
    for (const id of ids) expect((await ended(fleet, id)).state).toBe("succeeded");
    // Beside them bulk gets what comes in meanwhile: they do not wait behind it.
    expect(word(anthropic.calls.slice(before), "bulk").length).toBeLessThan(60);
  });

  /** Interactive requests for many seconds; when they have used up the burst, some come that have waited for a minute. */
  async function flooded(classes: readonly ("standard" | "bulk")[]): Promise<readonly ReceivedCall[]> {
    const fleet = await openTestFleet(services, { settings: { providers } });
    const anthropic = testProvider();
    await handIn(fleet, prompts(300, "now"), { priority: "interactive" });
    await startWork(fleet, { anthropic });
    await eventually("the burst is used up", () => anthropic.calls.length >= 60);
    // They are born old: the feeder may take a row as soon as it is there, and looks at its age then.
    await fleet.ledger.sql`alter table requests alter created_at set default now() - interval '1 minute'`;
    onTestFinished(() => fleet.ledger.sql`alter table requests alter created_at set default now()`.then(() => {}));
    for (const priority of classes) await handIn(fleet, prompts(10, priority), { priority });
    await eventually(
      "bulk got a call, or all interactive ones are done",
      () => word(anthropic.calls, "bulk").length > 0 || word(anthropic.calls, "now").length >= 300,
      50_000,
    );
    return anthropic.calls;
  }

  test("by interactive requests lets bulk in that has waited too long", async () => {
    const calls = await flooded(["standard", "bulk"]);
    expect(word(calls, "bulk").length).toBeGreaterThan(0);
    expect(word(calls, "now").length).toBeLessThan(300);
  });

  test("by interactive requests lets bulk in that has waited too long when there is no other backlog", async () => {
    const calls = await flooded(["bulk"]);
    expect(word(calls, "bulk").length).toBeGreaterThan(0);
    expect(word(calls, "now").length).toBeLessThan(300);
  });
});

describe("retries", () => {
  test("of two workers stay within the retry budget while a provider fails every call", async () => {
    const attempts = { perDeployment: 5, total: 5, baseMs: 1, capMs: 2 };
    const retries = { share: 0.2, floorPerSecond: 1 };
    const fleet = await openTestFleet(services, { settings: { attempts, retries, circuit: neverOpens } });
    const anthropic = testProvider(() => failure("server"));
    const since = performance.now();
    await startWork(fleet, { anthropic });
    startWorker(fleet, { anthropic });
    await handIn(fleet, prompts(60), { priority: "bulk" });
    await eventually("the first calls are made, and the budget is used up", () => anthropic.calls.length >= 60 + 20);
    const first = anthropic.calls.filter((call) => call.nth === 1).length;
    const again = anthropic.calls.length - first;
    const seconds = (performance.now() - since) / 1_000;
    expect(first).toBe(60);
    // Ten seconds' worth of the floor are banked before the first call.
    expect(again).toBeLessThanOrEqual(retries.share * first + retries.floorPerSecond * (10 + seconds) + 1);
  });

  // Handed back, they are dispatched, claimed and refused again without a pause, until the budget lets them go.
  test("that the budget keeps back wait for it, and are not claimed again and again meanwhile", async () => {
    const attempts = { perDeployment: 5, total: 5, baseMs: 1, capMs: 2 };
    const retries = { share: 0, floorPerSecond: 1 };
    const fleet = await openTestFleet(services, { settings: { attempts, retries, circuit: neverOpens } });
    const anthropic = testProvider(() => failure("server"));
    await startWork(fleet, { anthropic });
    await handIn(fleet, prompts(20), { priority: "bulk" });
    await eventually("the budget is used up, and some more were made", () => anthropic.calls.length >= 20 + 14);
    const [row] = await fleet.ledger.sql<{ claims: number }[]>`select sum(dispatch_no)::int as claims from requests`;
    expect(row?.claims).toBeLessThan(200);
  });
});

describe("a limit that a provider names in its answers", () => {
  test("is followed by every worker from then on", async () => {
    const fleet = await openTestFleet(services);
    const perMinute = 120;
    const anthropic = testProvider((call) => ({ ...answer(call.prompt), limits: { requests: { limit: perMinute } } }));
    await startWork(fleet, { anthropic });
    startWorker(fleet, { anthropic });
    const [first = ""] = await handIn(fleet, ["hello"]);
    await ended(fleet, first);
    expect(await callsOf(fleet, first)).toHaveLength(1);
    await handIn(fleet, prompts(25), { priority: "bulk" });
    expect(await allEnded(fleet)).toEqual({ succeeded: 26 });
    const pool = fleet.config.catalog.pools.get("anthropic.haiku");
    const spec = pool?.limits.find((limit) => limit.dimension === "requests");
    const shape = pool === undefined || spec === undefined ? undefined : shapeOf(spec, perMinute, pool.jitterMs);
    if (shape?.kind !== "bucket") throw new Error("no bucket of requests");
    const starts = anthropic.calls.slice(1).map((call) => call.startedAt);
    for (const [at, start] of starts.entries()) {
      for (const [further, end] of starts.slice(at).entries()) {
        // A call starts a moment after its permit: what the event loop was late by comes on top.
        const most = shape.size + ((end - start + 100) * 1_000) / shape.perUnitUs + 1;
        expect(further + 1).toBeLessThanOrEqual(most);
      }
    }
  });
});
