/** What becomes of requests when a deployment is closed: by its circuit, or by a refused key. */
import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { answer, failure, type ReceivedCall, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { allEnded, ended, handIn, inState, prompts, startWork, startWorker, states } from "../../support/work.ts";

const services = useServices();
const [haiku, mini] = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"];
const models = { smart: [haiku, mini], alone: [haiku] };
const once = { perDeployment: 1, total: 2, baseMs: 1, capMs: 2 };

/** A provider that is broken until it is mended. */
function breakable(kind: "server" | "capacity" | "auth" = "server") {
  const state = { isBroken: true };
  const respond = (call: ReceivedCall) =>
    state.isBroken ? failure(kind, kind === "auth" ? { status: 401 } : {}) : answer(call.prompt);
  const mend = () => {
    state.isBroken = false;
  };
  return { ...testProvider(respond), mend };
}

const most = async (fleet: Fleet, column: "attempt" | "dispatch_no"): Promise<number> => {
  const [row] = await fleet.ledger.sql<{ n: number }[]>`
    select max(${fleet.ledger.sql(column)})::int as n from requests where state = 'succeeded'`;
  return row?.n ?? 0;
};

/** Opens the circuit of the first deployment: three requests fail there. */
async function openCircuit(fleet: Fleet, model: string): Promise<void> {
  const ids = await handIn(fleet, prompts(3, "opening"), { model });
  for (const id of ids) await ended(fleet, id);
}

describe("an open circuit", () => {
  test.each(["interactive", "bulk"] as const)(
    "sends %s requests to the next deployment of their route, without a call and without spending an attempt",
    async (priority) => {
      const circuit = { threshold: 3, coolDownMs: 600_000 };
      const fleet = await openTestFleet(services, { settings: { models, attempts: once, circuit } });
      const providers = { anthropic: breakable(), openai: testProvider() };
      await startWork(fleet, providers);
      await openCircuit(fleet, "smart");
      const ids = await handIn(fleet, prompts(20), { model: "smart", priority });
      for (const id of ids) {
        expect(await ended(fleet, id)).toMatchObject({
          state: "succeeded",
          attempts: 1,
          deployment: mini,
          passedOver: [{ deployment: haiku, kind: "blocked", message: "waits for circuit" }],
        });
      }
      expect([providers.anthropic.calls.length, providers.openai.calls.length]).toEqual([3, 23]);
    },
  );

  test("makes requests wait when every deployment is closed, and they are answered when one has recovered", async () => {
    const circuit = { threshold: 3, coolDownMs: 3_000 };
    const fleet = await openTestFleet(services, { settings: { models, attempts: once, circuit } });
    const providers = { anthropic: breakable(), openai: breakable() };
    await startWork(fleet, providers);
    await openCircuit(fleet, "smart");
    for (const provider of Object.values(providers)) provider.mend();
    const ids = await handIn(fleet, prompts(20), { model: "smart", priority: "bulk" });
    expect((await inState(fleet, ids[0] ?? "", "queued")).attempts).toBe(0);
    for (const id of ids) expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(providers.anthropic.calls.length + providers.openai.calls.length).toBe(6 + 20);
  });

  test("diverts a batch that waits behind a provider that dies; the dead one is called no more than the circuit lets", async () => {
    const circuit = { threshold: 5, coolDownMs: 1_000 };
    const worker = { slotsPerLane: 20 };
    const attempts = { baseMs: 10, capMs: 20 };
    const fleet = await openTestFleet(services, { settings: { models, circuit, worker, attempts } });
    const providers = { anthropic: breakable("capacity"), openai: testProvider() };
    await handIn(fleet, prompts(400), { model: "smart", priority: "bulk" });
    const since = performance.now();
    await startWork(fleet, providers);
    expect(await allEnded(fleet)).toEqual({ succeeded: 400 });
    const coolDowns = Math.ceil((performance.now() - since) / circuit.coolDownMs);
    expect(providers.openai.calls).toHaveLength(400);
    expect(providers.anthropic.calls.length).toBeLessThanOrEqual(circuit.threshold + worker.slotsPerLane + coolDowns);
  });

  test("makes requests without a stand-in wait in the backlog; that costs no attempt, and all are answered when it closes", async () => {
    const circuit = { threshold: 3, coolDownMs: 3_000 };
    const fleet = await openTestFleet(services, { settings: { models, attempts: once, circuit } });
    const providers = { anthropic: breakable(), openai: testProvider() };
    await startWork(fleet, providers);
    startWorker(fleet, providers);
    await openCircuit(fleet, "alone");
    providers.anthropic.mend();
    const ids = [
      ...(await handIn(fleet, prompts(60), { model: "alone", priority: "bulk" })),
      ...(await handIn(fleet, prompts(5), { model: "alone", priority: "interactive" })),
    ];
    for (const id of ids) expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect([providers.anthropic.calls.length, providers.openai.calls.length]).toEqual([3 + 65, 0]);
    // A look for each step in which the circuit lets more through, not one for every moment of waiting.
    expect(await most(fleet, "dispatch_no")).toBeLessThanOrEqual(10);
  });

  // It is diverted to where it can never pass, for the diverter looks with one token, and fails there.
  test("leaves a request that fits nowhere else waiting for it", async () => {
    const circuit = { threshold: 3, coolDownMs: 2_000 };
    const pools = { "openai.gpt-5-mini": { tokensPerMinute: 6_000 } };
    const fleet = await openTestFleet(services, { settings: { models, attempts: once, circuit, pools } });
    const providers = { anthropic: breakable(), openai: testProvider() };
    await startWork(fleet, providers);
    await openCircuit(fleet, "alone");
    providers.anthropic.mend();
    const [id = ""] = await handIn(fleet, ["word ".repeat(4_000)], { model: "smart", priority: "bulk" });
    expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", deployment: haiku, attempts: 1 });
  });

  test("of one model adds nothing to the wait of another in the same pool", async () => {
    const circuit = { threshold: 3, coolDownMs: 600_000 };
    const fleet = await openTestFleet(services, { settings: { attempts: { baseMs: 1, capMs: 2 }, circuit } });
    const anthropic = testProvider((call) => (call.model === "x" ? failure("server") : answer(call.prompt)));
    await handIn(fleet, prompts(300), { model: "anthropic/x", priority: "bulk" });
    await startWork(fleet, { anthropic });
    const ids = await handIn(fleet, prompts(100), { model: "anthropic/y", priority: "bulk" });
    for (const id of ids) expect(await ended(fleet, id)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(await most(fleet, "dispatch_no")).toBe(1);
    const x = anthropic.calls.filter((call) => call.model === "x");
    expect(x.length).toBeLessThanOrEqual(circuit.threshold + fleet.config.worker.slotsPerLane);
  });
});

describe("a refused key", () => {
  test("fails what somebody waits for, with the reason, and keeps the rest, unsent, for whoever mends it", async () => {
    const fleet = await openTestFleet(services, { settings: { models } });
    const providers = { anthropic: breakable("auth"), openai: testProvider() };
    await startWork(fleet, providers);
    startWorker(fleet, providers);
    const now = { model: "alone", priority: "interactive" } as const;
    const [first = ""] = await handIn(fleet, ["hello"], now);
    expect(await ended(fleet, first)).toMatchObject({ state: "failed", failure: { kind: "auth" } });
    const waiting = await handIn(fleet, prompts(50), { model: "alone", priority: "bulk" });
    for (const id of await handIn(fleet, prompts(3), now)) {
      expect(await ended(fleet, id)).toMatchObject({
        state: "failed",
        attempts: 0,
        failure: { kind: "auth", message: expect.stringContaining("credential of anthropic") },
      });
    }
    // As long as others are answered nothing happens to them.
    for (const id of await handIn(fleet, prompts(50), { model: mini })) await ended(fleet, id);
    for (const id of waiting)
      expect(await requestById(fleet.ledger, id)).toMatchObject({ attempts: 0, failure: undefined });
    expect(await states(fleet)).toEqual({ failed: 4, queued: 50, succeeded: 50 });
    expect(providers.anthropic.calls).toHaveLength(1);
  });

  test("sends requests to the next deployment of their route, whoever waits for them", async () => {
    const fleet = await openTestFleet(services, { settings: { models } });
    const providers = { anthropic: breakable("auth"), openai: testProvider() };
    await startWork(fleet, providers);
    const [first = ""] = await handIn(fleet, ["hello"], { model: "smart" });
    expect(await ended(fleet, first)).toMatchObject({ state: "succeeded", attempts: 2, deployment: mini });
    await handIn(fleet, prompts(5), { model: "smart", priority: "interactive" });
    await handIn(fleet, prompts(50), { model: "smart", priority: "bulk" });
    expect(await allEnded(fleet)).toEqual({ succeeded: 56 });
    expect(await most(fleet, "attempt")).toBe(2);
    expect([providers.anthropic.calls.length, providers.openai.calls.length]).toEqual([1, 56]);
  });
});
