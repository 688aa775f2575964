import { describe, expect, it } from "vitest";
import { pausedLanes, resumeLane } from "../../../src/ledger/toggles.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestHttp, type TestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const lane = "openai.gpt-5-mini";

interface BoardJob {
  readonly id: string;
  readonly name: string;
  readonly priority?: number;
  readonly data: { readonly requestId: string };
  readonly returnValue: Record<string, unknown>;
}

async function queuesOn(http: TestHttp, lane = "", status = "latest") {
  const list = await http.get(`/board/api/queues?activeQueue=${lane}&status=${status}&page=1&jobsPerPage=50`);
  return list.json.queues as { name: string; isPaused: boolean; jobs: BoardJob[]; counts: Record<string, number> }[];
}
const jobsOn = async (http: TestHttp, name: string, status: string): Promise<BoardJob[]> =>
  (await queuesOn(http, name, status)).find((queue) => queue.name === name)?.jobs ?? [];

const place = async (http: TestHttp, order: object): Promise<string> =>
  (await http.send("POST", "/v1/requests", { model: "gpt-5-mini", ...order })).json.id;

const stateOf = async (http: TestHttp, id: string): Promise<string> =>
  (await http.get(`/v1/requests/${id}`)).json.state;

describe("the board", () => {
  it("tells a request's story and holds no prompt and no answer", async () => {
    const http = await openTestHttp(services, { workers: true });
    const placed = await http.send("POST", "/v1/requests?wait_ms=20000", {
      model: "gpt-5-mini",
      prompt: "The password is swordfish",
      system: "Never say swordfish",
      tenant: "acme",
    });
    const { id, result } = placed.json;

    const [job] = await eventually("the job is done", async () => {
      const jobs = await jobsOn(http, lane, "completed");
      return jobs.length > 0 && jobs;
    });
    const shown = await http.get(`/board/api/queues/${lane}/${job?.id}`);
    const logs = await http.get(`/board/api/queues/${lane}/${job?.id}/logs`);

    expect(job).toMatchObject({ name: "gpt-5-mini", priority: 2, data: { requestId: id, tenant: "acme" } });
    expect(job?.returnValue).toMatchObject({ outcome: "succeeded", provider: "openai", ms: expect.any(Number) });
    expect(job?.returnValue["tokens"]).toBeGreaterThan(0);
    expect(job?.returnValue["costUsd"]).toMatch(/^\$/);
    const everything = `${shown.text}${logs.text}${JSON.stringify(await queuesOn(http, lane))}`;
    expect(everything).not.toContain("swordfish");
    expect(everything).not.toContain(result.text);
  });

  it("shows the lanes where something is going on", async () => {
    const http = await openTestHttp(services);
    await place(http, { prompt: "One", priority: "interactive" });

    const names = (await queuesOn(http)).map((queue) => queue.name);

    expect(names).toEqual([`${lane}.express`]);
  });

  it("loads its page with its own scripts only", async () => {
    const { get } = await openTestHttp(services);

    const page = await get("/board");

    expect(page.text).toContain("<title>Millrace</title>");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    const script = /src="(static\/js\/main[^"]*)"/.exec(page.text)?.[1];
    expect((await get(`/board/${script}`)).status).toBe(200);
  });

  it("loses nothing when waiting jobs are removed: they come back, in their class, and run once", async () => {
    const http = await openTestHttp(services);
    await http.send("PUT", `/board/api/queues/${lane}/pause`);
    await http.send("PUT", "/board/api/queues/anthropic.haiku/pause");
    const removed = await place(http, { prompt: "Removed", priority: "interactive" });
    const emptied = await place(http, { prompt: "Emptied", model: "claude-haiku-4-5", priority: "interactive" });
    const [job] = await jobsOn(http, `${lane}.express`, "prioritized");

    const clean = await http.send("PUT", `/board/api/queues/${lane}.express/${job?.id}/clean`);
    const empty = await http.send("PUT", "/board/api/queues/anthropic.haiku.express/empty");

    expect([clean.status, empty.status]).toEqual([204, 200]);
    expect(await jobsOn(http, `${lane}.express`, "prioritized")).toEqual([]);
    expect([await stateOf(http, removed), await stateOf(http, emptied)]).toEqual(["dispatched", "dispatched"]);
    await http.work();
    await http.send("PUT", "/board/api/queues/resume");
    for (const id of [removed, emptied]) {
      await eventually("the request ends", async () => (await stateOf(http, id)) === "succeeded", 40_000);
    }
    const back = await jobsOn(http, `${lane}.express`, "completed");
    expect(back.map(({ data, priority }) => [data.requestId, priority])).toEqual([[removed, 1]]);
    expect(http.simulator.ledger()).toHaveLength(2);
  });

  it("runs no finished job again, whoever asks", async () => {
    const http = await openTestHttp(services, { workers: true });
    const { id } = (await http.send("POST", "/v1/requests?wait_ms=20000", { model: "gpt-5-mini", prompt: "Once" }))
      .json;
    const [job] = await eventually("the job is done", async () => {
      const jobs = await jobsOn(http, lane, "completed");
      return jobs.length > 0 && jobs;
    });

    const one = await http.send("PUT", `/board/api/queues/${lane}/${job?.id}/retry`);
    const all = await http.send("PUT", `/board/api/queues/${lane}/retry/completed`);

    expect([one.status, all.status]).toEqual([409, 409]);
    expect(one.json.message).toContain("not run again");
    // Another board on the same Redis has no such manners; the fence holds all the same.
    const queue = http.fleet.lanes.queue(lane, "main");
    await (await queue.getJob(job?.id ?? ""))?.retry("completed");
    await eventually(
      "the job ran again",
      async () => (await jobsOn(http, lane, "completed"))[0]?.returnValue["outcome"] === "stale",
    );
    expect(await stateOf(http, id)).toBe("succeeded");
    expect(http.simulator.ledger()).toHaveLength(1);
  });

  it("keeps the order of classes, whatever is pressed", async () => {
    const http = await openTestHttp(services, { settings: { pools: { [lane]: { concurrency: 1 } } } });
    await http.send("PUT", `/board/api/queues/${lane}/pause`);
    await http.work();
    const bulk = await place(http, { prompt: "Bulk", priority: "bulk" });
    const later = await place(http, { prompt: "Bulk, moved up", priority: "bulk" });
    const standard = await place(http, { prompt: "Standard", priority: "standard" });
    // A paused lane is not fed: the rows wait where their order is decided.
    expect([await stateOf(http, bulk), await stateOf(http, standard)]).toEqual(["queued", "queued"]);
    // The feeder goes on, BullMQ does not: the window fills and nothing runs.
    await resumeLane(http.fleet.ledger, lane);
    http.fleet.bell.ring([lane]);
    const waiting = await eventually("the lane is fed", async () => {
      const jobs = await jobsOn(http, lane, "prioritized");
      return jobs.length === 3 && jobs;
    });

    const job = (request: string) => waiting.find(({ data }) => data.requestId === request)?.id;
    const urgent = await http.send("PATCH", `/board/api/queues/${lane}/${job(standard)}/priority`, { priority: 0 });
    const promoted = await http.send("PUT", `/board/api/queues/${lane}/promote`);
    const retried = await http.send("PUT", `/board/api/queues/${lane}/retry/failed`);
    const moved = await http.send("PATCH", `/board/api/queues/${lane}/${job(later)}/priority`, { priority: 1 });
    expect([urgent.status, promoted.status, retried.status, moved.status]).toEqual([409, 409, 409, 200]);
    expect((await http.fleet.lanes.queue(lane, "main").getJobCounts("wait"))["wait"]).toBe(0);

    await http.fleet.lanes.resume(lane);
    for (const id of [bulk, later, standard]) {
      await eventually("the request ends", async () => (await stateOf(http, id)) === "succeeded");
    }
    const finished = await Promise.all(
      [later, standard, bulk].map(async (id) => (await http.get(`/v1/requests/${id}`)).json.attempts[0].started_at),
    );
    expect(finished).toEqual([...finished].sort());
  });

  it("pauses a lane for good, with both its sides, and lets it go on", async () => {
    const http = await openTestHttp(services, { workers: true });
    const paused = await http.send("PUT", `/board/api/queues/${lane}/pause`);
    const urgent = await place(http, { prompt: "Urgent", priority: "interactive" });
    const other = await place(http, { prompt: "Other lane", model: "claude-haiku-4-5", priority: "interactive" });

    await eventually("the other lane works", async () => (await stateOf(http, other)) === "succeeded");
    expect(paused.status).toBe(200);
    expect(await pausedLanes(http.fleet.ledger)).toEqual(new Set([lane]));
    expect((await queuesOn(http)).filter((queue) => queue.isPaused).map((queue) => queue.name)).toEqual([
      lane,
      `${lane}.express`,
    ]);
    expect(await stateOf(http, urgent)).toBe("dispatched");
    await http.send("PUT", `/board/api/queues/${lane}.express/resume`);
    await eventually("it goes on", async () => (await stateOf(http, urgent)) === "succeeded");
    expect(await pausedLanes(http.fleet.ledger)).toEqual(new Set());
  });

  it("pauses with one button the lanes it does not show as well", async () => {
    const http = await openTestHttp(services);
    await place(http, { prompt: "One", priority: "interactive" });
    expect(await queuesOn(http)).toHaveLength(1);

    await http.send("PUT", "/board/api/queues/pause");

    const lanes = [...http.fleet.config.catalog.pools.keys()];
    expect(await pausedLanes(http.fleet.ledger)).toEqual(new Set(lanes));
    expect((await queuesOn(http)).every((queue) => queue.isPaused)).toBe(true);
    await http.send("PUT", "/board/api/queues/resume");
    expect(await pausedLanes(http.fleet.ledger)).toEqual(new Set());
  });

  it("makes up no jobs and sets no limits of its own", async () => {
    const http = await openTestHttp(services);
    await place(http, { prompt: "One", priority: "interactive" });
    const queue = `/board/api/queues/${lane}.express`;

    const add = await http.send("POST", `${queue}/add`, { name: "x", data: {}, options: {} });
    const concurrency = await http.send("PUT", `${queue}/concurrency`, { concurrency: 1 });
    const rate = await http.send("PUT", `${queue}/rate-limit`, { max: 1, duration: 1_000 });
    const obliterate = await http.send("PUT", `${queue}/obliterate`, { force: true });

    expect([add, concurrency, rate, obliterate].map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    expect(await jobsOn(http, `${lane}.express`, "prioritized")).toHaveLength(1);
  });
});
