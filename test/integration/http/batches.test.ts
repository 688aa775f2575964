/** `/v1/batches`, with OpenAI's own client; what it expects of answers is what was recorded from the real one. */
import { BadRequestError, ConflictError, NotFoundError } from "openai";
import { describe, expect, test } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { recentBatches } from "../../../src/ledger/batches.ts";
import { openaiLines } from "../../support/batch-files.ts";
import { neverOpens } from "../../support/fleet.ts";
import { type HttpWish, openTestHttp } from "../../support/http.ts";
import { createBatch, inStatus, linesOf, openaiClient, upload } from "../../support/openai-batch.ts";
import { expectOpenai } from "../../support/openai-batch-schema.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function openDesk(wish: HttpWish = {}) {
  const http = await openTestHttp(services, wish);
  return { ...http, client: openaiClient(http) };
}

const line = (id: string, body: object = {}, more: object = {}): string =>
  JSON.stringify({
    custom_id: id,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-5-mini", messages: [{ role: "user", content: `Say ${id}` }], max_tokens: 20, ...body },
    ...more,
  });
const ids = (lines: readonly { readonly custom_id: string }[]) => lines.map(({ custom_id }) => custom_id);

describe("a batch", () => {
  test("runs over all providers from one file, and its output is in the order of its input", async () => {
    const { client, simulator, get } = await openDesk({ workers: true });
    const lines = openaiLines(30);
    const created = await createBatch(client, lines, { metadata: { team: "a" } });
    expectOpenai("Batch", created);
    expect(created).toMatchObject({
      object: "batch",
      status: "validating",
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      metadata: { team: "a" },
      errors: null,
      output_file_id: null,
      error_file_id: null,
      in_progress_at: null,
      usage: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
      expires_at: created.created_at + 86_400,
    });
    expect(created.id).toMatch(/^batch_[0-9a-f]{32}$/);

    const done = await inStatus(client, created.id, "completed");
    expectOpenai("Batch", done);
    expect(done).toMatchObject({
      request_counts: { total: 30, completed: 30, failed: 0 },
      error_file_id: null,
      in_progress_at: expect.any(Number),
      finalizing_at: expect.any(Number),
      completed_at: expect.any(Number),
      failed_at: null,
      model: null,
    });
    const answers = await linesOf(client, done.output_file_id);
    expect(ids(answers)).toEqual(lines.map((_line, at) => `openai-${at}`));
    expect(answers[0]).toMatchObject({
      id: expect.stringMatching(/^batch_req_/),
      error: null,
      response: {
        status_code: 200,
        request_id: expect.stringMatching(/^req_/),
        body: { object: "chat.completion", choices: [{ message: { role: "assistant" } }] },
      },
    });
    const used = answers.reduce((sum, { response }) => sum + response.body.usage.total_tokens, 0);
    expect(done.usage?.total_tokens).toBe(used);
    expect(new Set(simulator.ledger().map(({ provider }) => provider)).size).toBe(3);
    const output = await client.files.retrieve(done.output_file_id ?? "");
    expect(output).toMatchObject({ purpose: "batch_output", expires_at: output.created_at + 2_592_000 });
    expectOpenai("ListBatchesResponse", (await get("/v1/batches")).json);
  });

  test("of which some lines fail has both files; one of which all fail has no output", async () => {
    const settings = { attempts: { baseMs: 5, capMs: 10 }, circuit: neverOpens };
    const { client, simulator } = await openDesk({ workers: true, settings });
    simulator.order({ kind: "server-error", match: "bad", times: 100 });
    const some = await createBatch(client, [line("good-1"), line("bad-1"), line("good-2")]);
    const all = await createBatch(client, [line("bad-2"), line("bad-3")]);
    const ended = await inStatus(client, some.id, "completed");
    expect(ended.request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    expect(ids(await linesOf(client, ended.output_file_id))).toEqual(["good-1", "good-2"]);
    expect(await linesOf(client, ended.error_file_id)).toMatchObject([
      { custom_id: "bad-1", error: null, response: { status_code: 500, body: { error: { param: null } } } },
    ]);
    const failed = await inStatus(client, all.id, "completed");
    expect(failed).toMatchObject({ output_file_id: null, request_counts: { total: 2, completed: 0, failed: 2 } });
    expect(ids(await linesOf(client, failed.error_file_id))).toEqual(["bad-2", "bad-3"]);
  });

  test("of texts to embed is answered with vectors", async () => {
    const { client } = await openDesk({ workers: true });
    const body = { model: "text-embedding-3-small", input: ["one", "two"] };
    const embed = JSON.stringify({ custom_id: "e", method: "POST", url: "/v1/embeddings", body });
    const { id } = await createBatch(client, [embed], { endpoint: "/v1/embeddings" });
    const done = await inStatus(client, id, "completed");
    const [answer] = await linesOf(client, done.output_file_id);
    expect(answer?.response.body.data).toHaveLength(2);
  });

  test("of responses is answered with responses", async () => {
    const { client } = await openDesk({ workers: true });
    const body = { model: "gpt-5-mini", input: "Say hello", instructions: "Be brief." };
    const asked = JSON.stringify({ custom_id: "r", method: "POST", url: "/v1/responses", body });
    const { id } = await createBatch(client, [asked], { endpoint: "/v1/responses" });
    const done = await inStatus(client, id, "completed");
    const [answer] = await linesOf(client, done.output_file_id);
    expect(answer?.response.body).toMatchObject({
      object: "response",
      status: "completed",
      output: [{ type: "message" }],
    });
  });

  test("whose window is over is expired: finished lines are in the output, the others say batch_expired", async () => {
    const { client, fleet, simulator, work } = await openDesk();
    simulator.order({ kind: "hang", match: "slow", times: 100 });
    const { id } = await createBatch(client, [line("quick"), line("slow-1"), line("slow-2")], {
      completion_window: "1h" as "24h",
      output_expires_after: { anchor: "created_at", seconds: 3_600 },
    });
    await inStatus(client, id, "in_progress");
    await work();
    await expect.poll(async () => (await client.batches.retrieve(id)).request_counts?.completed).toBe(1);
    await fleet.ledger.sql`update requests set deadline = now() where state <> 'succeeded'`;
    await fleet.ledger
      .sql`update requests set state = 'waiting', lease_token = null, lease_until = null where state = 'running'`;
    const over = await inStatus(client, id, "expired");
    expectOpenai("Batch", over);
    expect(over).toMatchObject({ expired_at: expect.any(Number), completed_at: null });
    expect(over.request_counts).toEqual({ total: 3, completed: 1, failed: 2 });
    const output = await client.files.retrieve(over.output_file_id ?? "");
    expect(output.expires_at).toBe(output.created_at + 3_600);
    expect(ids(await linesOf(client, over.output_file_id))).toEqual(["quick"]);
    expect(await linesOf(client, over.error_file_id)).toMatchObject([
      { custom_id: "slow-1", response: null, error: { code: "batch_expired" } },
      { custom_id: "slow-2", response: null, error: { code: "batch_expired" } },
    ]);
  });
});

describe("a file that cannot be run", () => {
  test("fails the batch with every bad line, its number, code and parameter", async () => {
    const { client } = await openDesk();
    const bad = [
      line("good"),
      "{not json",
      '"a text"',
      line("x", {}, { custom_id: undefined }),
      line("x", {}, { method: "G\u0000\ud800ET" }),
      line("url", {}, { url: "/v1/embeddings" }),
      line("model", { model: undefined }),
      line("unknown", { model: "nobody-knows-it" }),
      line("messages", { messages: undefined }),
      line("stream", { stream: true }),
      line("good"),
      line("body", {}, { body: undefined }),
    ];
    const { id } = await createBatch(client, bad);
    const failed = await inStatus(client, id, "failed");
    expectOpenai("Batch", failed);
    expect(failed).toMatchObject({
      failed_at: expect.any(Number),
      request_counts: { total: 0, completed: 0, failed: 0 },
      output_file_id: null,
      error_file_id: null,
    });
    const found = failed.errors?.data?.map(({ line: no, code, param }) => ({ no, code, param }));
    expect(found).toEqual([
      { no: 2, code: "invalid_json_line", param: null },
      { no: 3, code: "invalid_json_line", param: null },
      { no: 4, code: "missing_required_parameter", param: "custom_id" },
      { no: 5, code: "invalid_value", param: "method" },
      { no: 6, code: "invalid_url", param: "url" },
      { no: 7, code: "invalid_request", param: "body.model" },
      { no: 8, code: "model_not_found", param: "body.model" },
      { no: 9, code: "invalid_request", param: "body.messages" },
      { no: 10, code: "streaming_unsupported", param: "body.stream" },
      { no: 11, code: "duplicate_custom_id", param: "custom_id" },
      { no: 12, code: "missing_required_parameter", param: "body" },
    ]);
    expect(failed.errors?.data?.[0]?.message).toBe("This line is not parseable as valid JSON.");
  });

  test("has its first hundred bad lines listed, and the others counted", async () => {
    const { client } = await openDesk();
    const { id } = await createBatch(client, ["{}", ...Array.from({ length: 130 }, () => "{}")]);
    const { errors } = await inStatus(client, id, "failed");
    expect(errors?.data).toHaveLength(101);
    expect(errors?.data?.at(-1)).toMatchObject({ message: "31 more lines cannot be run.", line: null });
  });

  test("is one that is not there, not the caller's, too long, or empty but for its first line's promise", async () => {
    const desk = await openDesk({ settings: { batches: { maxLines: 3 } } });
    const key = await createKey(desk.fleet.ledger, { tenant: "other", name: "other", scope: "use" });
    const admin = await createKey(desk.fleet.ledger, { tenant: "a", name: "admin", scope: "admin" });
    const client = openaiClient(desk, admin.key);
    const theirs = await upload(openaiClient(desk, key.key), [line("a")]);
    const failing = async (input: string) => {
      const batch = await client.batches.create({
        input_file_id: input,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      return (await inStatus(client, batch.id, "failed")).errors?.data;
    };
    const notFound = [{ code: "invalid_request", param: "file_id", line: null }];
    expect(await failing("file-nowhere")).toMatchObject(notFound);
    expect(await failing(theirs)).toMatchObject(notFound);
    const long = await upload(
      client,
      ["1", "2", "3", "4"].map((id) => line(id)),
    );
    expect(await failing(long)).toMatchObject([{ code: "too_many_tasks", line: null }]);
  });
});

describe("creating", () => {
  const ask = { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" };

  test.each([
    [
      { ...ask, input_file_id: undefined },
      "missing_required_parameter",
      "input_file_id",
      "Missing required parameter: 'input_file_id'.",
    ],
    [
      { ...ask, endpoint: undefined },
      "missing_required_parameter",
      "endpoint",
      "Missing required parameter: 'endpoint'.",
    ],
    [{ ...ask, endpoint: "/v1/x" }, "invalid_value", "endpoint", "Invalid value: '/v1/x'. Supported values are: "],
    [{ ...ask, completion_window: "soon" }, "invalid_value", "completion_window", "completion_window"],
    [
      { ...ask, metadata: { tags: ["a"] } },
      "invalid_type",
      "metadata.tags",
      "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
    ],
    [[], "missing_required_parameter", "input_file_id", "Missing"],
  ])("refuses %j", async (body, code, param, message) => {
    const { send, client } = await openDesk();
    const refused = await send("POST", "/v1/batches", body);
    expectOpenai("ErrorResponse", refused.json);
    expect(refused).toMatchObject({ status: 400, json: { error: { type: "invalid_request_error", code, param } } });
    expect(refused.json.error.message).toContain(message);
    const thrown = client.batches.create(body as Parameters<typeof client.batches.create>[0]);
    await expect(thrown).rejects.toBeInstanceOf(BadRequestError);
  });

  test("the same again, as SDKs do it by themselves, makes one batch; asked for anew it makes another", async () => {
    const { send, fleet } = await openDesk();
    const again = { "x-stainless-retry-count": "1" };
    const [first, ...others] = await Promise.all([
      send("POST", "/v1/batches", ask),
      ...[1, 2, 3].map(() => send("POST", "/v1/batches", ask, again)),
    ]);
    const known = new Set([first, ...others].map((answer) => answer?.json.id));
    expect(known.size).toBeLessThanOrEqual(2); // a first one may come last
    expect((await send("POST", "/v1/batches", ask, again)).json.id).toBe((await recent(fleet))[0]);
    expect((await send("POST", "/v1/batches", { ...ask, metadata: { other: "1" } }, again)).json.id).not.toBe(
      first?.json.id,
    );
    expect(known).not.toContain((await send("POST", "/v1/batches", ask)).json.id);
  });

  test("with an Idempotency-Key makes one batch, and is refused for another", async () => {
    const { send, fleet } = await openDesk();
    const key = { "idempotency-key": "k" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => send("POST", "/v1/batches", ask, key)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(await recent(fleet)).toHaveLength(1);
    expect(await send("POST", "/v1/batches", { ...ask, completion_window: "1h" }, key)).toMatchObject({ status: 422 });
  });

  const recent = async (fleet: Awaited<ReturnType<typeof openDesk>>["fleet"]) =>
    (await recentBatches(fleet.ledger, fleet.config.tenant, 10)).map(({ id }) => `batch_${id.replaceAll("-", "")}`);
});

describe("cancelling", () => {
  test("keeps what is finished, lets what is under way finish, and says of the rest that it was cancelled", async () => {
    const { client, simulator, work } = await openDesk({
      settings: { worker: { slotsPerLane: 2, leaseMs: 2_000 } },
      simulator: { latency: { firstTokenMs: { p50: 400, p99: 400 }, perTokenMs: 0 } },
    });
    const { id } = await createBatch(
      client,
      Array.from({ length: 40 }, (_unused, at) => line(`l-${at}`)),
    );
    await inStatus(client, id, "in_progress");
    await work();
    await expect.poll(() => simulator.summary().calls).toBeGreaterThan(0);
    const cancelling = await client.batches.cancel(id);
    expectOpenai("Batch", cancelling);
    expect(cancelling).toMatchObject({ status: "cancelling", cancelling_at: expect.any(Number) });
    const cancelled = await inStatus(client, id, "cancelled");
    expectOpenai("Batch", cancelled);
    expect(cancelled).toMatchObject({ cancelled_at: expect.any(Number), completed_at: null });
    const output = await linesOf(client, cancelled.output_file_id);
    const errors = await linesOf(client, cancelled.error_file_id);
    expect(output.length).toBe(simulator.summary().calls);
    expect(output.length + errors.length).toBe(40);
    expect(new Set(errors.map(({ error }) => error?.code))).toEqual(new Set(["batch_cancelled"]));
    expect(cancelled.request_counts).toEqual({ total: 40, completed: output.length, failed: 0 });
    expect((await client.batches.cancel(id)).status).toBe("cancelled");
  });

  test("a batch whose lines were still to come ends with all of them cancelled", async () => {
    const { client, fleet, simulator, work } = await openDesk();
    const { id } = await createBatch(client, openaiLines(30));
    await inStatus(client, id, "in_progress");
    await expect.poll(async () => (await fleet.ledger.sql`select 1 from batch_lines`).length).toBe(30);
    // As if it had been told while they came.
    await fleet.ledger.sql`delete from requests where id in (select request_id from batch_lines where line_no > 10)`;
    await fleet.ledger.sql`delete from batch_lines where line_no > 10`;
    await client.batches.cancel(id);
    const cancelled = await inStatus(client, id, "cancelled");
    expect(cancelled).toMatchObject({ output_file_id: null, request_counts: { total: 30, completed: 0, failed: 0 } });
    const errors = await linesOf(client, cancelled.error_file_id);
    expect(ids(errors)).toEqual(Array.from({ length: 30 }, (_unused, at) => `openai-${at}`));
    expect(new Set(errors.map(({ error }) => error?.code))).toEqual(new Set(["batch_cancelled"]));
    await work();
    expect(simulator.summary().calls).toBe(0);
  });

  test("what has ended is refused, once", async () => {
    const desk = await openDesk({ workers: true });
    const { id } = await createBatch(desk.client, [line("a")]);
    await inStatus(desk.client, id, "completed");
    const refused = await desk.client.batches.cancel(id, { maxRetries: 2 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConflictError);
    expect(refused).toMatchObject({
      message: "409 Cannot cancel a batch with status 'completed'.",
      type: "invalid_request_error",
      param: null,
      code: null,
    });
    const answer = await desk.send("POST", `/v1/batches/${id}/cancel`);
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(answer.headers.get("x-request-id")).toBeTruthy();
  });
});

describe("batches", () => {
  test("are listed newest first, page by page, and belong to their tenant", async () => {
    const desk = await openDesk();
    const key = async (tenant: string) =>
      openaiClient(desk, (await createKey(desk.fleet.ledger, { tenant, name: tenant, scope: "use" })).key);
    const [mine, others] = [await key("a"), await key("b")];
    const created: string[] = [];
    for (let at = 0; at < 5; at += 1) created.push((await createBatch(mine, [line("a")])).id);
    const listed: string[] = [];
    for await (const batch of mine.batches.list({ limit: 2 })) listed.push(batch.id);
    expect(listed).toEqual([...created].reverse());
    expect((await others.batches.list()).data).toEqual([]);
    await expect(others.batches.retrieve(created[0] ?? "")).rejects.toBeInstanceOf(NotFoundError);
    await expect(others.batches.cancel(created[0] ?? "")).rejects.toThrow(/No batch found/);
    await expect(mine.batches.retrieve("batch_nonsense")).rejects.toBeInstanceOf(NotFoundError);
  });
});
