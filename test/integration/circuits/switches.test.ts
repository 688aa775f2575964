import { describe, expect, onTestFinished, test } from "vitest";
import { switchCircuitOff, switchCircuitOn } from "../../../producers/circuit-switch.ts";
import { newestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { isolateTarget } from "../../../src/ledger/toggles.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { assertIsolations } from "../../../workers/switches.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestCircuits, openTestGate, refusalOf } from "../../support/gate.ts";
import { failure } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";
const gpt = "openai/gpt-5-mini";

async function place() {
  const fleet = await openTestFleet(services);
  return { fleet, gate: openTestGate(fleet), circuits: openTestCircuits(fleet) };
}

describe("what an operator isolated", () => {
  test("stays isolated when Redis loses its data", async () => {
    const { fleet, gate, circuits } = await place();
    const errors: unknown[] = [];
    const reconciler = startReconciler(fleet, (error) => errors.push(error));
    onTestFinished(() => reconciler.stop());
    await switchCircuitOff(fleet, circuits, "anthropic", "maintenance");
    await switchCircuitOff(fleet, circuits, gpt, "odd answers");
    await eventually("the reconciler knows this Redis", async () => {
      const [row] = await fleet.ledger.sql`select 1 from fleet_facts where name = 'redis_epoch'`;
      return row !== undefined;
    });

    await (await services.redis()).flushall();

    await eventually("both are isolated again", async () => {
      const states = [...(await circuits.status("anthropic", [haiku])), ...(await circuits.status("openai", [gpt]))];
      return states.every(({ state }) => state === "isolated") && states;
    });
    expect([refusalOf(await gate.ask(haiku)), refusalOf(await gate.ask(gpt))]).toEqual(["isolated", "isolated"]);
    expect(refusalOf(await gate.ask("openai/gpt-5"))).toBeUndefined();
    expect((await circuits.status("openai", [gpt]))[0]?.reason).toBe("odd answers");
    expect(errors).toEqual([]);
  });

  test("stays reset when it is reset while its isolation is asserted", async () => {
    const { fleet, gate, circuits } = await place();
    await isolateTarget(fleet.ledger, "anthropic", "maintenance");
    const slow = {
      ...circuits,
      async isolate(target: string, reason: string) {
        await switchCircuitOn(fleet, circuits, "anthropic");
        return circuits.isolate(target, reason);
      },
    };
    await assertIsolations(fleet.ledger, slow);
    expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  });
});

describe("resetting", () => {
  test("a provider makes its credential count as good again, and tells the change", async () => {
    const { fleet, gate, circuits } = await place();
    await gate.calls(haiku, failure("auth", { status: 401 }));

    const { changes } = await switchCircuitOn(fleet, circuits, "anthropic");

    expect(changes).toMatchObject([{ deployment: undefined, from: "credential-off", to: "closed" }]);
    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toMatchObject([
      { provider: "anthropic", deployment: undefined, fromState: "credential-off", toState: "closed", by: "operator" },
    ]);
    expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  });

  test("what is not closed off changes nothing and is no event", async () => {
    const { fleet, circuits } = await place();
    expect(await switchCircuitOn(fleet, circuits, haiku)).toEqual({ changes: [], still: undefined });
    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toEqual([]);
  });
});
