import { describe, expect, onTestFinished, test } from "vitest";
import { switchCircuitOff, switchCircuitOn } from "../../../producers/circuit-switch.ts";
import { newestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { requestById } from "../../../src/ledger/requests.ts";
import { isolateTarget } from "../../../src/ledger/toggles.ts";
import { startReconciler } from "../../../workers/reconciler.ts";
import { assertIsolations } from "../../../workers/switches.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestCircuits, openTestGate, refusalOf } from "../../support/gate.ts";
import { requestIn } from "../../support/ledger.ts";
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
  test("a provider releases what was held because of it, tells the change, and leaves other holds alone", async () => {
    const { fleet, gate, circuits } = await place();
    const held = async (reason: string, lane: string) => {
      const id = await requestIn(fleet.ledger, "held", { lane });
      await fleet.ledger.sql`update requests set hold_reason = ${reason} where id = ${id}`;
      return id;
    };
    const ids = [
      await held("credential off: invalid x-api-key", "anthropic.haiku"),
      await held("isolated: maintenance", "anthropic.opus"),
      await held("a person is asked", "anthropic.haiku"),
      await held("credential off: no credit", "openai.gpt-5-mini"),
    ];
    await gate.calls(haiku, failure("auth", { status: 401 }));

    const { changes, released } = await switchCircuitOn(fleet, circuits, "anthropic");

    expect(released).toBe(2);
    expect(changes).toMatchObject([{ deployment: undefined, from: "credential-off", to: "closed" }]);
    const states = await Promise.all(ids.map(async (id) => (await requestById(fleet.ledger, id))?.state));
    expect(states).toEqual(["queued", "queued", "held", "held"]);
    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toMatchObject([
      { provider: "anthropic", deployment: undefined, fromState: "credential-off", toState: "closed", by: "operator" },
    ]);
    expect(refusalOf(await gate.ask(haiku))).toBeUndefined();
  });

  test("what is not closed off changes nothing and is no event", async () => {
    const { fleet, circuits } = await place();
    expect(await switchCircuitOn(fleet, circuits, haiku)).toEqual({ changes: [], released: 0, still: undefined });
    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toEqual([]);
  });
});
