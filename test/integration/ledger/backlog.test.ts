import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { acceptRequests } from "../../../src/ledger/accept.ts";
import { backlogHeads, bringDue, lanesWithBacklog, markDispatched } from "../../../src/ledger/backlog.ts";
import { laneCensus } from "../../../src/ledger/lane-census.ts";
import { pausedLanes, pauseLane, resumeLane } from "../../../src/ledger/toggles.ts";
import { accepted, newRequest, openTestLedger, requestIn } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const lane = "anthropic.haiku";
const all = [1, 2, 3] as const;

describe("the heads of a backlog", () => {
  test("are the oldest rows of every class and tenant of the lane: twice the even share of the room", async () => {
    const ledger = await openTestLedger(services);
    const of: Record<string, string[]> = {};
    for (const tenant of ["a", "b", "z"]) {
      for (const priority of all) of[`${tenant}${priority}`] = await accepted(ledger, 4, { tenant, priority });
    }
    await accepted(ledger, 5, { lane: "openai.gpt-5", tenant: "a" });
    const { rows, heads } = await backlogHeads(ledger, { lane, classes: all, room: 9 });
    for (const [key, ids] of Object.entries(of)) {
      const own = rows.filter((row) => `${row.tenant}${row.priority}` === key).map((row) => row.id);
      expect(own).toEqual(ids.slice(0, 2));
    }
    expect([rows.length, heads]).toEqual([18, 2]);
  });

  test("are of the classes that were asked for", async () => {
    const ledger = await openTestLedger(services);
    for (const priority of all) await accepted(ledger, 1, { priority });
    const of = async (...classes: (1 | 2 | 3)[]) =>
      (await backlogHeads(ledger, { lane, classes, room: 9 })).rows.map((row) => row.priority);
    expect(await of(1)).toEqual([1]);
    expect(await of(2, 3)).toEqual([2, 3]);
  });

  test("say what the feeder needs to know of a row", async () => {
    const ledger = await openTestLedger(services);
    const batchId = uuidv7();
    const [id] = await accepted(ledger, 1, { batchId, estInputTokens: 100, estOutputTokens: 50 });
    const [row] = (await backlogHeads(ledger, { lane, classes: all, room: 1 })).rows;
    expect(row).toMatchObject({ id, tenant: "t", priority: 3, model: "claude-haiku-4-5", batchId, estTokens: 150 });
    expect(row?.waitedMs).toBeGreaterThanOrEqual(0);
    expect(row?.waitedMs).toBeLessThan(20_000);
  });

  test("leave out what is dispatched, waiting, held or finished", async () => {
    const ledger = await openTestLedger(services);
    for (const state of ["dispatched", "running", "waiting", "held", "succeeded", "failed", "cancelled"] as const) {
      await requestIn(ledger, state);
    }
    expect((await backlogHeads(ledger, { lane, classes: all, room: 10 })).rows).toEqual([]);
    expect(await lanesWithBacklog(ledger)).toEqual([]);
  });
});

test("lanes with a backlog are found, each once", async () => {
  const ledger = await openTestLedger(services);
  await accepted(ledger, 3, { lane: "b.x" });
  await accepted(ledger, 3, { lane: "a.x" });
  await requestIn(ledger, "waiting", { lane: "c.x" });
  expect(await lanesWithBacklog(ledger)).toEqual(["a.x", "b.x"]);
});

test("a row is dispatched by one of two feeders that both think they lead", async () => {
  const ledger = await openTestLedger(services);
  const ids = await accepted(ledger, 200);
  const [one, other] = await Promise.all([
    markDispatched(ledger, ids, "e"),
    markDispatched(ledger, [...ids].reverse(), "e"),
  ]);
  expect([...one, ...other].map((row) => row.id).sort()).toEqual([...ids].sort());
  expect(new Set([...one, ...other].map((row) => row.dispatchNo))).toEqual(new Set([1]));
  expect(await markDispatched(ledger, [], "e")).toEqual([]);
});

describe("waiting rows", () => {
  test("come back when their time has come, and it is known when the next one's comes", async () => {
    const ledger = await openTestLedger(services);
    await requestIn(ledger, "waiting");
    const later = await requestIn(ledger, "waiting");
    await ledger.sql`update requests set not_before = now() + interval '30 seconds' where id = ${later}`;
    const due = await bringDue(ledger);
    expect(due.moved).toBe(1);
    expect(due.nextMs).toBeGreaterThan(25_000);
    expect(due.nextMs).toBeLessThanOrEqual(30_000);
  });

  test("that are none have no next time", async () => {
    expect(await bringDue(await openTestLedger(services))).toEqual({ moved: 0, nextMs: undefined });
  });
});

test("the census of lanes equals a plain count", async () => {
  const ledger = await openTestLedger(services);
  const states = ["queued", "queued", "dispatched", "running", "waiting", "held", "held", "succeeded"] as const;
  for (const state of states) await requestIn(ledger, state, { lane: "a.x" });
  await requestIn(ledger, "running", { lane: "b.x" });
  expect(await laneCensus(ledger, ["a.x", "b.x", "c.x"])).toEqual([
    {
      lane: "a.x",
      counts: { queued: 2, dispatched: 1, running: 1, waiting: 1, held: 2 },
      cut: [],
      oldestMs: expect.any(Number),
    },
    {
      lane: "b.x",
      counts: { queued: 0, dispatched: 0, running: 1, waiting: 0, held: 0 },
      cut: [],
      oldestMs: undefined,
    },
    {
      lane: "c.x",
      counts: { queued: 0, dispatched: 0, running: 0, waiting: 0, held: 0 },
      cut: [],
      oldestMs: undefined,
    },
  ]);
});

test("a paused lane stays paused in the ledger until it is resumed", async () => {
  const ledger = await openTestLedger(services);
  await pauseLane(ledger, lane, "maintenance");
  await pauseLane(ledger, lane);
  await pauseLane(ledger, "openai.gpt-5");
  expect(await pausedLanes(ledger)).toEqual(new Set([lane, "openai.gpt-5"]));
  await resumeLane(ledger, lane);
  expect(await pausedLanes(ledger)).toEqual(new Set(["openai.gpt-5"]));
});

test("no tenant is out of sight, however many there are: each look goes on where the last one ended, and begins again", async () => {
  const ledger = await openTestLedger(services);
  const name = (at: number) => `tenant-${String(at).padStart(4, "0")}`;
  const rows = Array.from({ length: 450 }, (_, at) => newRequest({ tenant: name(at), priority: at < 30 ? 2 : 3 }));
  await acceptRequests(ledger, rows);
  let after: ReadonlyMap<number, string> = new Map();
  const pages: string[][] = [];
  for (let look = 0; look < 4; look += 1) {
    const page = await backlogHeads(ledger, { lane, classes: [2, 3], room: 100, after });
    pages.push(page.rows.filter((row) => row.priority === 3).map((row) => row.tenant));
    after = page.after;
    expect(page.rows.filter((row) => row.priority === 2)).toHaveLength(30);
  }
  expect(pages.map((page) => page.length)).toEqual([200, 200, 20, 200]);
  expect(new Set(pages.flat()).size).toBe(420);
  expect(pages[3]).toEqual(pages[0]);
});
