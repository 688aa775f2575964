import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { burstSeconds, expectAllSucceed, onTheWireMs, openQuotaScene, ownRefusals, peakUse } from "../support/quota.ts";
import { useServices } from "../support/services.ts";

const services = useServices();

test("a limit that is halved in the middle of a run refuses what was on its way and nothing after it", async () => {
  const scene = await openQuotaScene(services);
  const { simulator, redis, keys, limits } = scene;
  await scene.workers(3);
  await scene.handIn(320);
  // More than the halved limit will hold: whatever comes next is refused.
  const burst = (limits.requestsPerMinute * burstSeconds) / 60;
  const isHalfUsed = () => peakUse(simulator.ledger(), limits.requestsPerMinute) > burst / 2 + 2;
  await eventually("more than half of the burst is used", isHalfUsed, 60_000);
  const halved = {
    requestsPerMinute: limits.requestsPerMinute / 2,
    inputTokensPerMinute: limits.inputTokensPerMinute / 2,
    outputTokensPerMinute: limits.outputTokensPerMinute / 2,
  };
  simulator.setLimits({ anthropic: { ...halved, burstSeconds } });
  const refusals = () => ownRefusals(simulator.ledger());
  await eventually("the first refusal tells of it", () => refusals().length > 0);
  const onTheirWay = await scene.underWay();
  const learned = async () => Number(await redis.hget(keys.learned, "requests")) === halved.requestsPerMinute;
  await eventually("the new limit is known", learned);
  const knownAtMs = Date.now();
  await expectAllSucceed(scene, 320);

  expect(refusals().length).toBeLessThanOrEqual(onTheirWay + 3);
  expect(refusals().filter(({ atMs }) => atMs > knownAtMs + onTheWireMs)).toEqual([]);
  const after = simulator.ledger().filter(({ atMs }) => atMs > knownAtMs + onTheWireMs);
  // More than the new limit's burst: its rate was needed as well.
  expect(after.length).toBeGreaterThan(burst / 2);
}, 240_000);
