import { describe, expect, test } from "vitest";
import { defaultRules } from "../../../src/admission/admission.ts";
import type { CircuitStatus } from "../../../src/admission/circuit-status.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestCircuits, openTestGate, refusalOf } from "../../support/gate.ts";
import { answer, failure } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";
const sonnet = "anthropic/claude-sonnet-5";
const refusedKey = failure("auth", { status: 401, message: "invalid x-api-key" });

async function place(circuitRules: Partial<typeof defaultRules.circuit> = {}) {
  const fleet = await openTestFleet(services);
  const rules = { ...defaultRules, circuit: { ...defaultRules.circuit, ...circuitRules } };
  const gate = openTestGate(fleet, { rules });
  const circuits = openTestCircuits(fleet);
  const statusOf = async (deployment: string): Promise<CircuitStatus> => {
    const [status] = await circuits.status("anthropic", [deployment]);
    if (status === undefined) throw new Error(`no status of ${deployment}`);
    return status;
  };
  return { fleet, gate, circuits, statusOf, redis: await services.redis() };
}

describe("the status of a circuit", () => {
  test("is closed and without news where nothing has happened", async () => {
    const { circuits } = await place();
    const nothing = {
      state: "closed",
      sinceMs: undefined,
      reason: undefined,
      calls: 0,
      ramping: false,
      pausedForMs: 0,
    };
    expect(await circuits.status("anthropic", [haiku, sonnet])).toMatchObject([
      { provider: "anthropic", deployment: haiku, ...nothing },
      { provider: "anthropic", deployment: sonnet, ...nothing },
    ]);
    expect(await circuits.status("anthropic", [])).toEqual([]);
  });

  test("counts the calls of the last ten seconds and the failures in a row", async () => {
    const { gate, statusOf } = await place();
    await gate.calls(haiku, answer("fine"), 2);
    await gate.calls(haiku, failure("server"), 3);
    expect(await statusOf(haiku)).toMatchObject({ state: "closed", calls: 5, failures: 3, failuresInARow: 3 });
  });

  test("says what opened it, since when, and when one call may find out", async () => {
    const { gate, statusOf } = await place();
    await gate.calls(haiku, failure("server"), 5);
    const status = await statusOf(haiku);
    expect(status).toMatchObject({ state: "open", reason: "5 failures in a row", wholeProvider: false });
    expect(status.sinceMs).toBeLessThan(10_000);
    expect(status.openForMs).toBeGreaterThan(45_000);
    expect(status.openForMs).toBeLessThanOrEqual(60_000);
    expect(await statusOf(sonnet)).toMatchObject({ state: "closed" });
  });

  test("is half-open while the one call is under way, and ramps up once it was answered", async () => {
    const { gate, statusOf } = await place({ coolDownMs: 0 });
    await gate.calls(haiku, failure("server"), 5);
    const probe = await gate.start(haiku);
    expect(await statusOf(haiku)).toMatchObject({ state: "half-open", reason: "5 failures in a row" });
    await gate.end(probe, answer("back"));
    expect(await statusOf(haiku)).toMatchObject({ state: "closed", ramping: true, reason: undefined });
  });

  test("says for how long the provider asked the deployment or its pool to wait", async () => {
    const { gate, statusOf } = await place();
    const waits = async (deployment: string) => (await statusOf(deployment)).pausedForMs;
    await gate.calls(haiku, failure("capacity", { retryAfterMs: 30_000 }));
    expect(await waits(haiku)).toBeGreaterThan(20_000);
    expect(await waits(sonnet)).toBe(0);
    await gate.calls(sonnet, failure("rate", { retryAfterMs: 40_000 }));
    expect(await waits(sonnet)).toBeGreaterThan(30_000);
  });

  test("is told by the pool's clock, which goes on where Redis' clock was set back by an hour", async () => {
    const { gate, statusOf, redis } = await place();
    await redis.hset("millrace:{anthropic}:pool:anthropic.haiku", { shift: 3_600_000_000, lt: 1 });
    await gate.calls(haiku, failure("server"), 5);
    const status = await statusOf(haiku);
    expect(status.openForMs).toBeGreaterThan(45_000);
    expect(status.openForMs).toBeLessThanOrEqual(61_000);
    expect(status.sinceMs).toBeLessThan(15_000);
  });
});

describe("resetting", () => {
  test("lets calls go again at once and tells what it changed, once", async () => {
    const { gate, circuits, statusOf } = await place();
    await gate.calls(haiku, failure("server"), 5);
    expect(refusalOf(await gate.ask(haiku))).toBe("circuit");
    expect(await circuits.reset(haiku)).toEqual([
      { provider: "anthropic", deployment: haiku, from: "open", to: "closed", reason: "reset by an operator" },
    ]);
    expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
    expect(await statusOf(haiku)).toMatchObject({ state: "closed", failuresInARow: 0 });
    expect(await circuits.reset(haiku)).toEqual([]);
  });

  test("is not undone by calls that began before it and fail after it", async () => {
    const { gate, circuits, statusOf } = await place();
    const early = await Promise.all(Array.from({ length: 6 }, () => gate.start(haiku)));
    await gate.calls(haiku, failure("server"), 5);
    await circuits.reset(haiku);
    for (const permit of early) await gate.end(permit, failure("timeout"));
    expect(await statusOf(haiku)).toMatchObject({ state: "closed", failuresInARow: 0 });
    await gate.calls(haiku, failure("server"), 5);
    expect(await statusOf(haiku)).toMatchObject({ state: "open" });
  });

  test("a provider closes all its circuits, also of models that no list names, and no other provider's", async () => {
    const { gate, circuits, statusOf } = await place();
    const [unlisted, other] = ["anthropic/claude-next", "openai/gpt-5-mini"];
    for (const deployment of [haiku, unlisted, other]) await gate.calls(deployment, failure("server"), 5);
    await circuits.isolate("anthropic", "maintenance");
    const changes = await circuits.reset("anthropic");
    expect(changes.map(({ deployment, from }) => [deployment, from])).toEqual([
      [undefined, "isolated"],
      [haiku, "open"],
      [unlisted, "open"],
    ]);
    expect((await statusOf(haiku)).state).toBe("closed");
    expect(refusalOf(await gate.ask(unlisted))).toBeUndefined();
    expect(refusalOf(await gate.ask(other))).toBe("circuit");
  });
});

describe("isolating", () => {
  test("a deployment refuses its calls and nobody else's; doing it twice changes the reason only", async () => {
    const { gate, circuits, statusOf } = await place();
    expect(await circuits.isolate(haiku, "odd answers")).toEqual([
      { provider: "anthropic", deployment: haiku, from: "closed", to: "isolated", reason: "odd answers" },
    ]);
    expect(await circuits.isolate(haiku, "very odd answers")).toEqual([]);
    expect(refusalOf(await gate.ask(haiku))).toBe("isolated");
    expect(refusalOf(await gate.ask(sonnet))).toBeUndefined();
    expect(await statusOf(haiku)).toMatchObject({
      state: "isolated",
      reason: "very odd answers",
      wholeProvider: false,
      sinceMs: undefined,
    });
  });

  test("a provider refuses all its calls, until it is taken back or reset", async () => {
    const { gate, circuits, statusOf } = await place();
    await circuits.isolate("anthropic", "maintenance");
    expect(refusalOf(await gate.ask(sonnet))).toBe("isolated");
    expect(await statusOf(sonnet)).toMatchObject({ state: "isolated", reason: "maintenance", wholeProvider: true });
    await circuits.unisolate("anthropic");
    expect(refusalOf(await gate.ask(sonnet))).toBeUndefined();
  });

  test("stays when calls that were under way fail", async () => {
    const { gate, circuits, statusOf } = await place();
    const early = await Promise.all(Array.from({ length: 5 }, () => gate.start(haiku)));
    await circuits.isolate(haiku, "odd answers");
    for (const permit of early) await gate.end(permit, failure("server"));
    expect(await statusOf(haiku)).toMatchObject({ state: "isolated", reason: "odd answers" });
  });
});

describe("a refused credential", () => {
  test("closes every deployment of the provider, and a reset lifts it", async () => {
    const { gate, circuits, statusOf } = await place();
    await gate.calls(haiku, refusedKey);
    expect(await statusOf(sonnet)).toMatchObject({
      state: "credential-off",
      reason: "invalid x-api-key",
      wholeProvider: true,
    });
    expect(refusalOf(await gate.ask(sonnet))).toBe("credential");
    expect(await circuits.reset("anthropic")).toMatchObject([
      { provider: "anthropic", deployment: undefined, from: "credential-off", to: "closed" },
    ]);
    expect(refusalOf(await gate.ask(sonnet))).toBeUndefined();
  });

  test("stays off when one of its deployments is reset", async () => {
    const { gate, circuits } = await place();
    await gate.calls(haiku, refusedKey);
    await circuits.reset(haiku);
    expect(refusalOf(await gate.ask(haiku))).toBe("credential");
  });

  test("is off no longer when a worker starts with another key, and stays off with the same one", async () => {
    const { gate, circuits } = await place();
    expect(await circuits.renewCredential("anthropic", "aaaaaaaaaaaa")).toBeUndefined();
    await gate.calls(haiku, refusedKey);
    expect(await circuits.renewCredential("anthropic", "aaaaaaaaaaaa")).toBeUndefined();
    expect(refusalOf(await gate.ask(haiku))).toBe("credential");
    const lifted = await Promise.all(["1", "2", "3"].map(() => circuits.renewCredential("anthropic", "bbbbbbbbbbbb")));
    expect(lifted.filter((change) => change !== undefined)).toEqual([
      {
        provider: "anthropic",
        deployment: undefined,
        from: "credential-off",
        to: "closed",
        reason: "there is another key",
      },
    ]);
    expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  });
});
