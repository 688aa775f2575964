import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { expectAllSucceed, onTheWireMs, openQuotaScene, ownRefusals } from "../support/quota.ts";
import { useServices } from "../support/services.ts";
import { callsOf, inState } from "../support/work.ts";

const services = useServices();

test("one answer that asks to come back in 30 s keeps every worker away for 30 s, and spends no attempt", async () => {
  const scene = await openQuotaScene(services);
  const { fleet, simulator, redis, keys } = scene;
  await scene.workers(3);
  await scene.handIn(400);
  await scene.arrived(150);
  simulator.order({ kind: "rate-limit", retryAfterS: 30 });
  await eventually("the gate has heard of it", async () => (await redis.hget(keys.pool, "pu")) !== null);
  const heardAtMs = Date.now();
  await expectAllSucceed(scene, 400);

  const calls = simulator.ledger();
  const [refused, ...more] = calls.filter((call) => call.fault === "rate-limit");
  expect(more).toEqual([]);
  const refusedAtMs = refused?.atMs ?? 0;
  const during = calls.filter(({ atMs }) => atMs > heardAtMs + onTheWireMs && atMs < refusedAtMs + 30_000);
  expect(during).toEqual([]);
  expect(calls.filter(({ atMs }) => atMs > refusedAtMs + 30_000).length).toBeGreaterThan(200);
  expect(ownRefusals(calls)).toEqual([]);
  const request = await inState(fleet, refused?.correlation ?? "", "succeeded");
  expect(request.attempts).toBe(1);
  expect((await callsOf(fleet, request.id)).map((call) => call.outcome)).toEqual(["failed", "succeeded"]);
}, 240_000);
