/** What batches have beyond OpenAI's wire, and that batches of the command line and of HTTP are the same. */
import { describe, expect, test } from "vitest";
import { mostFollowers } from "../../../producers/http/batch-extras.ts";
import { openaiLines, plainLines, simulated, writeLines } from "../../support/batch-files.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { neverOpens } from "../../support/fleet.ts";
import { eventsOf, type HttpWish, openTestHttp } from "../../support/http.ts";
import { createBatch, inStatus, linesOf, openaiClient, upload } from "../../support/openai-batch.ts";
import { expectOpenai } from "../../support/openai-batch-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function openDesk(wish: HttpWish = {}) {
  const http = await openTestHttp(services, wish);
  return { ...http, client: openaiClient(http) };
}
const slow = { simulator: { latency: { firstTokenMs: { p50: 300, p99: 300 }, perTokenMs: 0 } } };
const parsed = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("answers", () => {
  test("are read while the batch runs, behind any line, and followed to the end in their order", async () => {
    const { client, get } = await openDesk({ workers: true, ...slow, settings: { worker: { slotsPerLane: 2 } } });
    const { id } = await createBatch(client, openaiLines(24));
    await inStatus(client, id, "in_progress");
    const following = get(`/v1/batches/${id}/results?follow=true&after_line=2`);
    await expect.poll(async () => parsed((await get(`/v1/batches/${id}/results`)).text).length).toBeGreaterThan(0);
    expect((await client.batches.retrieve(id)).output_file_id).toBeNull();
    const followed = parsed((await following).text);
    expect(followed.map(({ custom_id }) => custom_id)).toEqual(
      Array.from({ length: 22 }, (_unused, at) => `openai-${at + 2}`),
    );
    const tail = await get(`/v1/batches/${id}/results?after_line=22&status=succeeded`);
    expect(tail.headers.get("content-type")).toContain("application/x-ndjson");
    expect(parsed(tail.text).map(({ millrace }) => millrace.line)).toEqual([23, 24]);
    expect((await get(`/v1/batches/${id}/results?status=failed`)).text).toBe("");
    expect((await get(`/v1/batches/${id}/results?status=odd`)).json.error.param).toBe("status");
  });
});

describe("readers that follow", () => {
  test("are turned away beyond so many, and let in when others have left", async () => {
    const { client, get, send, url } = await openDesk();
    const { id } = await createBatch(client, openaiLines(1));
    await inStatus(client, id, "in_progress");
    const leave = new AbortController();
    const follow = () => fetch(`${url}/v1/batches/${id}/results?follow=true`, { signal: leave.signal });
    // Of those who are let in nobody hears anything before the batch ends.
    const refused = await Promise.any(Array.from({ length: mostFollowers + 1 }, follow));
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await refused.json()).toMatchObject({ error: { code: "too_many_streams", param: null } });
    leave.abort();
    await send("POST", `/v1/batches/${id}/cancel`);
    await inStatus(client, id, "cancelled");
    await expect.poll(async () => (await get(`/v1/batches/${id}/results?follow=true`)).status).toBe(200);
  });
});

describe("progress", () => {
  test("is told once and as events until the end", async () => {
    const { client, get } = await openDesk({ workers: true });
    const { id } = await createBatch(client, openaiLines(12));
    const events = eventsOf((await get(`/v1/batches/${id}/progress`, { accept: "text/event-stream" })).text);
    expect(events.at(-1)).toMatchObject({
      event: "done",
      data: { id, object: "batch.progress", status: "completed", total: 12, succeeded: 12, failed: 0, paused: false },
    });
    const told = await get(`/v1/batches/${id}/progress`);
    expect(told.json).toMatchObject({ status: "completed", limited_by: [], cost_nano_usd: expect.any(String) });
    expect((await get("/v1/batches/batch_none/progress")).status).toBe(404);
  });
});

describe("a retry", () => {
  test("gives failed lines another try, and the batch new files", async () => {
    const settings = { attempts: { baseMs: 5, capMs: 10 }, circuit: neverOpens };
    const { client, simulator, send } = await openDesk({ workers: true, settings });
    simulator.order({ kind: "server-error", match: "Number 1,", times: 100 });
    const { id } = await createBatch(client, openaiLines(3));
    const first = await inStatus(client, id, "completed");
    expect(first.request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    simulator.clearFaults();
    expect((await send("POST", `/v1/batches/${id}/retry`)).json).toMatchObject({ retried: 1, failed: 0 });
    const second = await inStatus(client, id, "completed");
    expect(second).toMatchObject({ request_counts: { total: 3, completed: 3, failed: 0 }, error_file_id: null });
    expect((await linesOf(client, second.output_file_id)).map(({ custom_id }) => custom_id)).toEqual([
      "openai-0",
      "openai-1",
      "openai-2",
    ]);
  });
});

describe("a pause", () => {
  test("holds what has not been sent until it is resumed, also of lines that were still to come", async () => {
    const { client, send, get, work, simulator } = await openDesk();
    const { id } = await createBatch(client, openaiLines(10));
    await inStatus(client, id, "in_progress");
    await expect.poll(async () => (await get(`/v1/batches/${id}/progress`)).json.queued).toBe(10);
    expect((await send("POST", `/v1/batches/${id}/pause`)).json).toMatchObject({ paused: true });
    await work();
    const other = await createBatch(client, openaiLines(2));
    await inStatus(client, other.id, "completed");
    expect((await get(`/v1/batches/${id}/progress`)).json).toMatchObject({ held: 10, paused: true, succeeded: 0 });
    expect(simulator.summary().calls).toBe(2);
    expect((await send("POST", `/v1/batches/${id}/resume`)).json).toMatchObject({ paused: false, resumed: 10 });
    await inStatus(client, id, "completed");
    const refused = await send("POST", `/v1/batches/${id}/pause`);
    expect(refused).toMatchObject({ status: 409, json: { error: { code: "already_finished" } } });
  });
});

describe("an estimate", () => {
  test("says lines, tokens, money and time by model, and how many lines cannot run", async () => {
    const { client, send, fleet } = await openDesk();
    const input = await upload(client, [...openaiLines(6), "{}"]);
    const { json } = await send("POST", "/v1/batches/estimate", { input_file_id: input });
    expect(json).toMatchObject({ object: "batch.estimate", good: 6, bad: 1 });
    expect(json.models.map(({ model, lines }: { model: string; lines: number }) => ({ model, lines }))).toEqual([
      { model: "claude-haiku-4-5", lines: 2 },
      { model: "gpt-5-mini", lines: 2 },
      { model: "gemini-3.8-flash", lines: 2 },
    ]);
    const [claude] = json.models;
    expect(claude).toMatchObject({ most_output_tokens: 40, input_tokens: expect.any(Number) });
    expect(BigInt(claude.most_cost_nano_usd)).toBeGreaterThan(BigInt(claude.least_cost_nano_usd));
    expect((await send("POST", "/v1/batches/estimate", { input_file_id: "file-x" })).status).toBe(404);
    expect(await fleet.ledger.sql`select 1 from batches`).toHaveLength(0);
  });
});

describe("the command line", () => {
  test("shows, pauses and reads batches of HTTP, and HTTP those of the command line", async () => {
    const { client, simulator, fleet, get, send } = await openDesk({ workers: true });
    const cwd = workFolder();
    const environment = { ...simulated(simulator), REDIS_URL: fleet.redisUrl, DATABASE_URL: fleet.databaseUrl };
    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli([...args, "--json"], { cwd, environment });
      return { code, stderr, json: stdout === "" ? undefined : JSON.parse(stdout) };
    };
    const { id } = await createBatch(client, openaiLines(3));
    const done = await inStatus(client, id, "completed");
    writeLines(cwd, "in.jsonl", plainLines(3));
    expect(await cli("batch", "estimate", "in.jsonl")).toMatchObject({ code: 0, json: { good: 3, bad: 0 } });
    expect((await cli("batch", "show", id)).json).toMatchObject({
      state: "completed",
      total: 3,
      counts: { succeeded: 3 },
    });
    const answers = (await cli("batch", "results", id)).json;
    expect(answers).toEqual(await linesOf(client, done.output_file_id));
    const own = (await cli("batch", "submit", "in.jsonl")).json;
    expect((await cli("batch", "ls")).json.map((batch: { id: string }) => batch.id.slice(0, 8))).toContain(
      own.id.slice(0, 8),
    );
    const [newest] = (await client.batches.list()).data;
    const seen = await inStatus(client, newest?.id ?? "", "completed");
    expectOpenai("Batch", seen);
    expect(seen).toMatchObject({
      id: `batch_${own.id.replaceAll("-", "")}`,
      input_file_id: "",
      output_file_id: null,
      request_counts: { total: 3, completed: 3, failed: 0 },
    });
    expect(parsed((await get(`/v1/batches/${seen.id}/results`)).text).map((line) => line.id)).toEqual([
      "plain-0",
      "plain-1",
      "plain-2",
    ]);
    expect((await send("POST", `/v1/batches/${seen.id}/cancel`)).status).toBe(409);
    expect((await cli("batch", "pause", seen.id)).json).toMatchObject({ paused: false });
  });
});
