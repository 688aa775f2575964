import { expect, test } from "vitest";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { expectAllSucceed, openQuotaScene, ownRefusals } from "../support/quota.ts";
import { useServices } from "../support/services.ts";

const services = useServices();
const circuit = { threshold: 5, coolDownMs: 5_000 };
const overloadMs = 60_000;

test("a minute of overload costs a few calls and one probe a cool-down, and no request", async () => {
  const scene = await openQuotaScene(services, { settings: { circuit } });
  const { fleet, simulator, limits } = scene;
  await scene.workers(3);
  await scene.handIn(450);
  await scene.arrived(220);
  const inFlight = await scene.underWay();
  simulator.order({ kind: "overloaded", provider: "anthropic", forMs: overloadMs });
  await expectAllSucceed(scene, 450);

  const calls = simulator.ledger();
  const overloaded = calls.filter((call) => call.fault === "overloaded");
  // Answers of calls that were in flight say that all is well; meanwhile calls go on at the rate of the limit.
  const aFew = limits.requestsPerMinute / 60;
  expect(overloaded.length).toBeGreaterThanOrEqual(circuit.threshold + 5);
  expect(overloaded.length).toBeLessThanOrEqual(circuit.threshold + inFlight + overloadMs / circuit.coolDownMs + aFew);
  expect(ownRefusals(calls)).toEqual([]);
  const changes = await circuitChanges(fleet);
  expect(changes["closed to open"]).toBe(1);
  expect(changes["half-open to open"]).toBeGreaterThanOrEqual(5);
  expect(changes["half-open to closed"]).toBe(1);
}, 240_000);

async function circuitChanges({ ledger }: Fleet): Promise<Readonly<Record<string, number>>> {
  const rows = await ledger.sql<{ change: string; n: number }[]>`
    select from_state || ' to ' || to_state as change, count(*)::int as n from circuit_events group by 1`;
  return Object.fromEntries(rows.map(({ change, n }) => [change, n]));
}
