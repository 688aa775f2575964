import { describe, expect, test } from "vitest";
import {
  appendCircuitEvent,
  latestCircuitEvents,
  type NewCircuitEvent,
  newestCircuitEvents,
} from "../../../src/ledger/circuit-events.ts";
import {
  isolatedTargets,
  isolateTarget,
  pausedLanes,
  pauseLane,
  unisolateTarget,
} from "../../../src/ledger/toggles.ts";
import { openTestLedger } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";

const event = (more: Partial<NewCircuitEvent> = {}): NewCircuitEvent => ({
  provider: "anthropic",
  deployment: haiku,
  fromState: "closed",
  toState: "open",
  reason: "5 failures in a row",
  by: "gate",
  ...more,
});

describe("events of circuits", () => {
  test("are listed newest first, of all providers or of one", async () => {
    const ledger = await openTestLedger(services);
    await appendCircuitEvent(ledger, event());
    await appendCircuitEvent(ledger, event({ provider: "openai", deployment: "openai/gpt-5-mini" }));
    await appendCircuitEvent(ledger, event({ fromState: "open", toState: "closed", by: "operator" }));
    const newest = await newestCircuitEvents(ledger, { limit: 2 });
    expect(newest).toMatchObject([{ by: "operator", toState: "closed" }, { provider: "openai" }]);
    expect(newest[0]?.at).toBeInstanceOf(Date);
    expect(await newestCircuitEvents(ledger, { limit: 9, provider: "anthropic" })).toHaveLength(2);
  });

  test("have one latest for each deployment, and one for the provider as a whole", async () => {
    const ledger = await openTestLedger(services);
    const whole = event({ deployment: undefined, toState: "isolated", reason: "maintenance", by: "operator" });
    await appendCircuitEvent(ledger, event());
    await appendCircuitEvent(ledger, whole);
    await appendCircuitEvent(ledger, event({ fromState: "open", toState: "half-open" }));
    await appendCircuitEvent(ledger, { ...whole, fromState: "isolated", toState: "closed" });
    const latest = await latestCircuitEvents(ledger);
    expect(latest.map(({ deployment, toState }) => [deployment, toState])).toEqual([
      [haiku, "half-open"],
      [undefined, "closed"],
    ]);
  });

  test("are by the gate or by an operator, and by nobody else", async () => {
    const ledger = await openTestLedger(services);
    const forged = { ...event(), by: "nobody" as "gate" };
    await expect(appendCircuitEvent(ledger, forged)).rejects.toMatchObject({ code: "23514" });
  });
});

describe("what is isolated", () => {
  test("is remembered with its reason and since when, apart from paused lanes", async () => {
    const ledger = await openTestLedger(services);
    await pauseLane(ledger, "anthropic.haiku");
    await isolateTarget(ledger, "anthropic", "old reason");
    await isolateTarget(ledger, "anthropic", "maintenance");
    expect(await isolatedTargets(ledger)).toEqual([
      { target: "anthropic", reason: "maintenance", since: expect.any(Date) },
    ]);
    expect([...(await pausedLanes(ledger))]).toEqual(["anthropic.haiku"]);
  });

  test("is forgotten with a provider for its deployments too, and for no other's", async () => {
    const ledger = await openTestLedger(services);
    for (const target of ["anthropic", haiku, "anthropic_eu/model", "openai"]) await isolateTarget(ledger, target);
    await unisolateTarget(ledger, "anthropic");
    expect((await isolatedTargets(ledger)).map(({ target }) => target)).toEqual(["anthropic_eu/model", "openai"]);
    await unisolateTarget(ledger, "openai/gpt-5-mini");
    expect(await isolatedTargets(ledger)).toHaveLength(2);
  });
});
