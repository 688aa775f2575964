/** The readings behind the dashboard, each against what the gate and the ledger did. */
import { expect, onTestFinished, test } from "vitest";
import { openAdmission } from "../../../src/admission/admission.ts";
import { openPoolLook } from "../../../src/admission/pool-look.ts";
import { batchStandings, endedBatches, openBatches } from "../../../src/ledger/batch-standing.ts";
import { cancelBatch, openBatch, sealBatch } from "../../../src/ledger/batches.ts";
import { hourlyStats } from "../../../src/ledger/hourly-stats.ts";
import { readByIndex } from "../../../src/ledger/read-by-index.ts";
import { recentCalls } from "../../../src/ledger/recent-calls.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { modelStats, rollUpAttempts } from "../../../src/ledger/stats.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { accepted, call, ending, openTestLedger, requestIn, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

test("a pool shows the permits that are out, what they took of each limit, and a pause, and looking changes nothing", async () => {
  const limits = { requestsPerMinute: 600, concurrency: 4 };
  const fleet = await openTestFleet(services, { settings: { pools: { "anthropic.haiku": limits } } });
  const pool = fleet.config.catalog.pools.get("anthropic.haiku");
  if (pool === undefined) throw new Error("no such pool");
  const gate = openAdmission(fleet.redisUrl);
  const looks = openPoolLook(fleet.redisUrl);
  onTestFinished(async () => {
    looks.close();
    await gate.close();
  });
  const look = async () => (await looks.status([pool])).get(pool.id);
  expect(await look()).toMatchObject({ inFlight: 0, concurrency: 4, pausedForMs: 0, pace: 1 });

  const place = { pool, deployment: "anthropic/claude-haiku-4-5" };
  const ask = { leaseMs: 60_000, inputTokens: 10, maxOutputTokens: 10 };
  const [one, other] = await Promise.all(["a", "b"].map((leaseId) => gate.acquire(place, { ...ask, leaseId })));
  if (one?.granted !== true || other?.granted !== true) throw new Error("the gate did not let two calls go");
  const redis = await services.redis();
  const key = `millrace:{anthropic}:pool:${pool.id}`;
  const before = await redis.hgetall(key);

  const seen = await look();

  expect(seen?.inFlight).toBe(2);
  const requests = seen?.quotas.find(({ dimension }) => dimension === "requests");
  expect(requests).toMatchObject({ limit: 600, per: "minute", cold: true });
  expect(requests?.used).toBeGreaterThan(2);
  expect(requests?.used).toBeLessThanOrEqual(requests?.room ?? 0);
  expect(await redis.hgetall(key)).toEqual(before);

  await gate.settle(one.permit, undefined);
  await gate.settle(other.permit, {
    ok: false,
    failure: { kind: "rate", message: "slow down", retryAfterMs: 30_000 },
    usage: {},
  });
  const paused = await look();
  expect(paused?.inFlight).toBe(0);
  expect(paused?.pausedForMs).toBeGreaterThan(20_000);
});

test("calls that ended are counted by slot and deployment, with what is unknown apart; a bound cuts the oldest off", async () => {
  const ledger = await openTestLedger(services);
  const record = recordRequests(ledger);
  const ids = await accepted(ledger, 3);
  for (const [at, id] of ids.entries()) {
    const attempt = at === 0 ? call({ durationMs: 900 }) : at === 1 ? call({ firstTokenMs: 40 }) : undefined;
    const failed = { kind: "server", message: "broken" };
    const bad = call({ outcome: "failed", failureKind: "timeout", usage: {} });
    const { costNanoUsd: _unknown, ...unpriced } = bad;
    await record(
      ending(
        await running(ledger, id),
        attempt === undefined ? { event: "fail", failure: failed, attempt: unpriced } : { attempt },
      ),
    );
  }

  const seen = await readByIndex(ledger, (within) => recentCalls(within, 100));

  const sum = (of: (slot: (typeof seen.slots)[number]) => number) =>
    seen.slots.reduce((all, slot) => all + of(slot), 0);
  expect(seen.slots.every(({ deployment }) => deployment === "anthropic/claude-haiku-4-5")).toBe(true);
  expect([sum(({ calls }) => calls), sum(({ failed }) => failed), sum(({ unpriced }) => unpriced)]).toEqual([3, 1, 1]);
  expect(sum(({ inputTokens }) => inputTokens)).toBe(24);
  expect(seen.slots.reduce((all, { costNanoUsd }) => all + costNanoUsd, 0n)).toBe(54_000n);
  expect(seen.latency).toEqual({ p50Ms: 120, p99Ms: 900, firstTokenP50Ms: 40 });
  expect(seen.coveredFromMs).toBe(seen.nowMs - 300_000);
  const cut = await readByIndex(ledger, (within) => recentCalls(within, 2));
  expect(cut.slots.reduce((all, { calls }) => all + calls, 0)).toBe(2);
  expect(cut.coveredFromMs).toBeGreaterThan(cut.nowMs - 300_000);

  await rollUpAttempts(ledger);
  const hours = await hourlyStats(ledger, 24);
  const { models } = await modelStats(ledger, 24);
  expect(hours.reduce((all, { calls }) => all + calls, 0)).toBe(3);
  expect(hours.reduce((all, { costNanoUsd }) => all + costNanoUsd, 0n)).toBe(54_000n);
  expect(models.map(({ calls }) => calls)).toEqual([3]);
});

test("a batch stands where its lines are, exactly while few are open and by a sample when many are", async () => {
  const ledger = await openTestLedger(services);
  const batch = await openBatch(ledger, { tenant: "t", source: "file", fingerprint: "f", options: {}, total: 9 });
  const states = [
    "succeeded",
    "succeeded",
    "succeeded",
    "succeeded",
    "failed",
    "running",
    "waiting",
    "queued",
    "queued",
  ] as const;
  for (const [at, state] of states.entries()) {
    await requestIn(ledger, state, {
      batchId: batch.id,
      line: { no: at + 1, customId: `line ${at}`, shape: "plain" },
    });
  }
  const heads = () => readByIndex(ledger, (within) => openBatches(within, 5));
  const standing = async (most: number) =>
    readByIndex(ledger, async (within) => (await batchStandings(within, await openBatches(within, 5), most))[0]);
  expect(await standing(100)).toMatchObject({ accepted: 9, succeeded: 4, waiting: 3, estimated: false });
  await sealBatch(ledger, batch.id);

  const exact = { accepted: 9, succeeded: 4, failed: 1, cancelled: 0, running: 1, waiting: 3 };
  expect(await standing(100)).toEqual({ id: batch.id, ...exact, estimated: false });
  expect(await standing(3)).toEqual({ id: batch.id, ...exact, estimated: true });
  expect((await heads()).map(({ id }) => id)).toEqual([batch.id]);
  await cancelBatch(ledger, batch.id);
  expect(await heads()).toEqual([]);
  const ended = await readByIndex(ledger, (within) => endedBatches(within, 5));
  expect(ended.map(({ id, state }) => [id, state])).toEqual([[batch.id, "cancelled"]]);
});
