import { expect, test } from "vitest";
import {
  expectAllSucceed,
  expectLimitBound,
  lastAtMs,
  leaseMs,
  openQuotaScene,
  ownRefusals,
  rateBetween,
} from "../support/quota.ts";
import { useServices } from "../support/services.ts";

const services = useServices();

test("two of six workers killed in full flight cause no refusal, take no permit with them, and the rate comes back", async () => {
  const scene = await openQuotaScene(services);
  const { fleet, simulator, limits } = scene;
  const doomed = (await scene.workers(6)).slice(0, 2);
  await scene.handIn(500);
  await scene.arrived(80);
  for (const process of doomed) process.kill("SIGKILL");
  expect(await Promise.all(doomed.map((process) => process.ended))).toMatchObject([{ code: null }, { code: null }]);
  const killedAtMs = Date.now();
  await expectAllSucceed(scene, 500);

  const [{ lost = 0 } = {}] = await fleet.ledger.sql<{ lost: number }[]>`
    select count(*)::int as lost from attempts where outcome = 'lost'`;
  expect(lost).toBeGreaterThan(0);
  const calls = simulator.ledger();
  // Calls that were on the wire are made again.
  expect(calls.length).toBeGreaterThan(501);
  expect(ownRefusals(calls)).toEqual([]);
  expectLimitBound(calls, limits.requestsPerMinute);
  const fullRate = limits.requestsPerMinute / 60;
  const after = rateBetween(calls, killedAtMs + 2 * leaseMs, lastAtMs(calls) - leaseMs);
  expect(after).toBeGreaterThan(0.85 * fullRate);
}, 240_000);
