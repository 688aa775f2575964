/** Interactive requests that somebody waits for are called for where they arrive, in a process that has workers. */
import { expect, test } from "vitest";
import { keysOf } from "../../../src/admission/scripts.ts";
import type { Order } from "../../../src/intake/order.ts";
import { attemptsOf, requestById } from "../../../src/ledger/requests.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";
import { haiku } from "../../support/work.ts";

const services = useServices();

const order = (more: Partial<Order> = {}): Order => ({
  body: { model: haiku, messages: [{ role: "user", content: [{ type: "text", text: "Say hello" }] }] },
  tenant: "t",
  priority: "interactive",
  replyWanted: true,
  ...more,
});
const lane = "anthropic.haiku";

test("a request that is waited for is accepted and claimed in one commit, and needs no job", async () => {
  const { fleet } = await openTestHttp(services, { workers: true });
  const [accepted] = await fleet.intake.accept([order()]);
  if (accepted?.ok !== true) throw new Error("refused");
  const [row] = await fleet.ledger
    .sql`select dispatch_no, attempt, dispatch_epoch from requests where id = ${accepted.id}`;

  expect(row).toEqual({ dispatch_no: 1, attempt: 1, dispatch_epoch: null });
  await expect.poll(() => requestById(fleet.ledger, accepted.id)).toMatchObject({ state: "succeeded" });
  expect(await attemptsOf(fleet.ledger, accepted.id)).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
  expect(await fleet.lanes.queue(lane, "express").getJobCountByTypes("completed", "active", "waiting")).toBe(0);
});

test.each<[string, Partial<Order>]>([
  ["that nobody waits for", { replyWanted: false }],
  ["of another class", { priority: "standard" }],
])("a request %s travels", async (_what, more) => {
  const { fleet } = await openTestHttp(services, { workers: true });
  const [accepted] = await fleet.intake.accept([order(more)]);
  if (accepted?.ok !== true) throw new Error("refused");

  await expect.poll(() => requestById(fleet.ledger, accepted.id)).toMatchObject({ state: "succeeded" });
  const sides = ["main", "express"] as const;
  const travelled = async () => {
    const jobs = sides.map((side) => fleet.lanes.queue(lane, side).getJobCountByTypes("completed"));
    return (await Promise.all(jobs)).reduce((sum, count) => sum + count, 0);
  };
  await expect.poll(travelled).toBe(1); // the row ends before its job does
});

test("a request travels while its lane is paused, and while others of its class wait there", async () => {
  const { fleet } = await openTestHttp(services, { workers: true });
  await fleet.lanes.pause(lane);
  const accepted = await fleet.intake.accept([order(), order()]);
  const ids = accepted.flatMap((one) => (one.ok ? [one.id] : []));
  for (const id of ids) expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "dispatched" });
  expect(await fleet.lanes.isFree(lane, "express")).toBe(false);

  await fleet.lanes.resume(lane);

  for (const id of ids) await expect.poll(() => requestById(fleet.ledger, id)).toMatchObject({ state: "succeeded" });
});

test("what the gate refuses is handed back and answered later, with no attempt spent on waiting", async () => {
  const { fleet } = await openTestHttp(services, {
    workers: true,
    settings: { pools: { [lane]: { requestsPerMinute: 600, modes: { requests: "bucket" }, burstSeconds: 1 } } },
  });
  const accepted = await fleet.intake.accept(Array.from({ length: 30 }, () => order()));
  const ids = accepted.flatMap((one) => (one.ok ? [one.id] : []));

  await expect
    .poll(async () => (await Promise.all(ids.map((id) => requestById(fleet.ledger, id)))).map((one) => one?.state))
    .toEqual(ids.map(() => "succeeded"));
  const attempts = await Promise.all(ids.map((id) => attemptsOf(fleet.ledger, id)));
  expect(attempts.map((made) => made.map(({ attempt }) => attempt))).toEqual(ids.map(() => [1]));
});

test("a request that is turned away has called nobody and holds no permit", async () => {
  const { fleet, simulator } = await openTestHttp(services, {
    workers: true,
    settings: { backlog: { maxOpen: 1 } },
    simulator: { latency: { firstTokenMs: { p50: 60_000, p99: 60_000 }, perTokenMs: 1 } },
  });
  const [first] = await fleet.intake.accept([order()]);
  await expect.poll(() => simulator.ledger().length).toBe(1);
  const refused = await fleet.intake.accept([order(), order()]);

  expect(refused.map((one) => one.ok)).toEqual([false, false]);
  const redis = await services.redis();
  const { leases } = keysOf("anthropic", lane, haiku);
  await expect.poll(() => redis.zrange(leases, 0, "-1")).toEqual([`${first?.ok === true && first.id}:1`]);
  expect(simulator.ledger()).toHaveLength(1);
});

test("a cancelled request's call is stopped, wherever it runs", async () => {
  const { fleet, simulator } = await openTestHttp(services, {
    workers: true,
    simulator: { latency: { firstTokenMs: { p50: 60_000, p99: 60_000 }, perTokenMs: 1 } },
  });
  const accepted = await fleet.intake.accept([order(), order({ replyWanted: false })]);
  const ids = accepted.flatMap((one) => (one.ok ? [one.id] : []));
  await expect.poll(() => simulator.ledger().length).toBe(2);

  for (const id of ids) expect(await fleet.cancel(id)).toBe(true);

  await expect.poll(() => simulator.ledger().map(({ ended }) => ended)).toEqual(["client-left", "client-left"]);
  for (const id of ids) expect(await requestById(fleet.ledger, id)).toMatchObject({ state: "cancelled" });
});

test("a process that drains finishes what it called for, and takes no more", async () => {
  const { fleet, url, work, simulator } = await openTestHttp(services, {
    simulator: { latency: { firstTokenMs: { p50: 300, p99: 300 }, perTokenMs: 1 } },
  });
  const stop = await work();
  const answer = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: haiku, messages: [{ role: "user", content: "Say hello" }] }),
  });
  await expect.poll(() => simulator.ledger().length).toBe(1);
  await stop(10_000);

  expect((await answer).status).toBe(200);
  const [late] = await fleet.intake.accept([order()]);
  expect(late?.ok === true && (await requestById(fleet.ledger, late.id))).toMatchObject({ state: "dispatched" });
});
