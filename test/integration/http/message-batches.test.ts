/** `/v1/messages/batches`, with Anthropic's own client. */
import { readdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import Anthropic, { BadRequestError, ConflictError, NotFoundError } from "@anthropic-ai/sdk";
import { describe, expect, test } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { recentBatches } from "../../../src/ledger/batches.ts";
import { eventually } from "../../support/eventually.ts";
import { neverOpens } from "../../support/fleet.ts";
import { type HttpWish, openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function openDesk(wish: HttpWish = {}) {
  const http = await openTestHttp(services, wish);
  const clientOf = (apiKey = "any") => new Anthropic({ baseURL: http.url, apiKey, maxRetries: 0 });
  const client = clientOf();
  const ended = (id: string) =>
    eventually(`${id} has ended`, async () => {
      const batch = await client.messages.batches.retrieve(id);
      return batch.processing_status === "ended" && batch;
    });
  return { ...http, client, clientOf, ended };
}

const asked = (id: string, model = "claude-haiku-4-5") => ({
  custom_id: id,
  params: { model, max_tokens: 20, messages: [{ role: "user" as const, content: `Say ${id}` }] },
});
const none = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };

describe("a message batch", () => {
  test("is processing as a whole until it has ended; its results are fetched where it was asked for", async () => {
    const { client, ended, url, work, fleet, simulator, get } = await openDesk();
    const requests = [asked("a"), asked("b", "gpt-5-mini"), asked("c", "gemini-3.8-flash")];
    const created = await client.messages.batches.create({ requests });
    expect(created).toMatchObject({
      type: "message_batch",
      processing_status: "in_progress",
      request_counts: { processing: 3, ...none },
      ended_at: null,
      cancel_initiated_at: null,
      archived_at: null,
      results_url: null,
    });
    expect(created.id).toMatch(/^msgbatch_[0-9a-f]{32}$/);
    expect(Date.parse(created.expires_at) - Date.parse(created.created_at)).toBe(86_400_000);
    await expect(client.messages.batches.results(created.id)).rejects.toThrow();
    expect((await get(`/v1/batches/${created.id}/progress`)).json).toMatchObject({ succeeded: 0 });
    await work();
    const done = await ended(created.id);
    expect(done).toMatchObject({
      request_counts: { processing: 0, ...none, succeeded: 3 },
      ended_at: expect.any(String),
      results_url: `${url}/v1/messages/batches/${created.id}/results`,
    });
    const results = [];
    for await (const result of await client.messages.batches.results(created.id)) results.push(result);
    expect(results.map(({ custom_id }) => custom_id)).toEqual(["a", "b", "c"]);
    expect(results[0]).toMatchObject({
      result: { type: "succeeded", message: { type: "message", role: "assistant", content: [{ type: "text" }] } },
    });
    expect(new Set(simulator.ledger().map(({ provider }) => provider)).size).toBe(3);
    expect(readdirSync(join(fleet.config.home, "files"))).toEqual([]);
  });

  test("tells errors apart", async () => {
    const settings = { attempts: { baseMs: 5, capMs: 10 }, circuit: neverOpens };
    const { client, ended, simulator } = await openDesk({ workers: true, settings });
    simulator.order({ kind: "server-error", match: "Say bad", times: 100 });
    const { id } = await client.messages.batches.create({ requests: [asked("good"), asked("bad")] });
    expect((await ended(id)).request_counts).toEqual({ processing: 0, ...none, succeeded: 1, errored: 1 });
    const results = [];
    for await (const result of await client.messages.batches.results(id)) results.push(result);
    expect(results[1]).toMatchObject({
      custom_id: "bad",
      result: { type: "errored", error: { type: "error", error: { type: "api_error", message: expect.any(String) } } },
    });
  });

  test("is cancelled, deleted when it has ended, and not found after that", async () => {
    const { client, ended } = await openDesk();
    const { id } = await client.messages.batches.create({ requests: [asked("a"), asked("b")] });
    await expect(client.messages.batches.delete(id)).rejects.toBeInstanceOf(ConflictError);
    const cancelling = await client.messages.batches.cancel(id);
    expect(cancelling.cancel_initiated_at).not.toBeNull();
    const done = await ended(id);
    const { canceled, succeeded, errored, expired, processing } = done.request_counts;
    expect({ succeeded, errored, expired, processing }).toEqual({
      succeeded: 0,
      errored: 0,
      expired: 0,
      processing: 0,
    });
    expect(canceled).toBe(2);
    await expect(client.messages.batches.cancel(id)).rejects.toBeInstanceOf(ConflictError);
    expect(await client.messages.batches.delete(id)).toEqual({ id, type: "message_batch_deleted" });
    await expect(client.messages.batches.retrieve(id)).rejects.toBeInstanceOf(NotFoundError);
    expect((await client.messages.batches.list()).data).toEqual([]);
  });

  test("is listed newest first, in either direction, for its tenant only", async () => {
    const { fleet, clientOf } = await openDesk();
    const key = async (tenant: string) => (await createKey(fleet.ledger, { tenant, name: tenant, scope: "use" })).key;
    const [mine, others] = [clientOf(await key("a")), clientOf(await key("b"))];
    const ids: string[] = [];
    for (const id of ["1", "2", "3", "4", "5"])
      ids.push((await mine.messages.batches.create({ requests: [asked(id)] })).id);
    const newest = [...ids].reverse();
    const listed: string[] = [];
    for await (const batch of mine.messages.batches.list({ limit: 2 })) listed.push(batch.id);
    expect(listed).toEqual(newest);
    const before = await mine.messages.batches.list({ limit: 2, before_id: newest[4] ?? "" });
    expect(before.data.map(({ id }) => id)).toEqual(newest.slice(2, 4));
    expect(before).toMatchObject({ has_more: true, first_id: newest[2], last_id: newest[3] });
    expect((await others.messages.batches.list()).data).toEqual([]);
    await expect(others.messages.batches.retrieve(ids[0] ?? "")).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe("creating", () => {
  test.each([
    [[], "requests is missing or empty"],
    [[{ custom_id: "a b", params: asked("a").params }], "requests[0].custom_id"],
    [[asked("a"), { custom_id: "b" }], "requests[1].params"],
    [[asked("a"), asked("a")], "requests[1].custom_id is that of requests[0] again"],
    [[asked("a", "nobody-knows-it")], "requests[0].params: No model is called"],
    [[{ ...asked("a"), params: { ...asked("a").params, stream: true } }], "stream"],
    [[{ ...asked("a"), params: { ...asked("a").params, max_tokens: 0 } }], "max_tokens"],
  ])("refuses %j at once and leaves nothing behind", async (requests, words) => {
    const { client, fleet } = await openDesk();
    const body = { requests } as Anthropic.Messages.BatchCreateParams;
    const refused = await client.messages.batches.create(body).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadRequestError);
    expect(refused).toMatchObject({ error: { type: "error", error: { type: "invalid_request_error" } } });
    expect(String(refused)).toContain(words);
    expect(readdirSync(join(fleet.config.home, "files"))).toEqual([]);
    expect(await recentBatches(fleet.ledger, fleet.config.tenant, 1)).toEqual([]);
  });

  test("the same again makes no second batch, by its key or because the client says so", async () => {
    const { send, fleet } = await openDesk();
    const body = { requests: [asked("a")] };
    const first = await send("POST", "/v1/messages/batches", body, { "idempotency-key": "k" });
    expect((await send("POST", "/v1/messages/batches", body, { "idempotency-key": "k" })).json.id).toBe(first.json.id);
    const again = await send("POST", "/v1/messages/batches", body, { "x-stainless-retry-count": "1" });
    expect(again.json.id).toBe(first.json.id);
    const other = { requests: [asked("b")] };
    expect((await send("POST", "/v1/messages/batches", other, { "idempotency-key": "k" })).status).toBe(422);
    expect(await recentBatches(fleet.ledger, fleet.config.tenant, 10)).toHaveLength(1);
    expect(readdirSync(join(fleet.config.home, "files"))).toHaveLength(1);
  });

  test("a body of more than 256 MB is refused with 413, piece by piece", async () => {
    const { url, fleet } = await openDesk();
    const sending = request(`${url}/v1/messages/batches`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": "any" },
    });
    sending.setMaxListeners(0);
    const answered = new Promise<number | undefined>((resolve) => {
      sending.on("response", (response) => resolve(response.resume().statusCode));
      sending.on("error", () => {}); // it hears its answer before it has sent everything
    });
    const item = `${JSON.stringify({ ...asked("x"), custom_id: "ID" }).replace("Say x", "x".repeat(1_000_000))},`;
    sending.write('{"requests":[');
    for (let at = 0; at < 300 && !sending.destroyed; at += 1) {
      if (!sending.write(item.replace("ID", `id-${at}`))) {
        await Promise.race([new Promise((resolve) => sending.once("drain", resolve)), answered]);
      }
    }
    expect(await answered).toBe(413);
    sending.destroy();
    await expect.poll(() => readdirSync(join(fleet.config.home, "files"))).toEqual([]);
  });
});
