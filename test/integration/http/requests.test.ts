import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

describe("POST /v1/requests", () => {
  it("answers with the ended request when the caller waits", async () => {
    const { send, get, simulator } = await openTestHttp(services, { workers: true });
    const order = {
      model: "gpt-5-mini",
      prompt: "Say hello",
      system: "Be brief",
      max_output_tokens: 9,
      priority: "interactive",
    };

    const placed = await send("POST", "/v1/requests?wait_ms=20000", order);

    expect(placed.status).toBe(200);
    expect(placed.json).toMatchObject({
      object: "request",
      state: "succeeded",
      lane: "openai.gpt-5-mini",
      priority: "interactive",
      tenant: "default",
      result: { provider: "openai", model: "gpt-5-mini", finish: { unified: expect.any(String) } },
      failure: null,
    });
    expect(placed.headers.get("location")).toBe(`/v1/requests/${placed.json.id}`);
    const shown = await get(`/v1/requests/${placed.json.id}`);
    expect(shown.json).toMatchObject({ state: "succeeded", attempts: [{ attempt: 1, outcome: "succeeded" }] });
    expect(shown.json.attempts[0].cost_nano_usd).toMatch(/^[1-9]\d*$/);
    expect(simulator.ledger()).toHaveLength(1);
  });

  it("waits no longer than it was told and keeps what it accepted", async () => {
    const { send, work, get } = await openTestHttp(services);

    const began = performance.now();
    const placed = await send("POST", "/v1/requests?wait_ms=300", { prompt: "Say hello" });

    expect(placed.status).toBe(202);
    expect(placed.json).toMatchObject({ state: "queued", finished_at: null, result: null });
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    await work();
    await eventually("it ends", async () => (await get(`/v1/requests/${placed.json.id}`)).json.state === "succeeded");
  });

  it("takes a list, each with messages, tenant and class of its own", async () => {
    const { send, get } = await openTestHttp(services);

    const placed = await send("POST", "/v1/requests", [
      {
        messages: [
          { role: "system", content: "Be brief" },
          { role: "user", content: "One" },
        ],
        tenant: "acme",
      },
      { prompt: "Two", priority: "bulk", deadline_ms: 60_000 },
    ]);

    expect(placed.status).toBe(202);
    expect(placed.json.data).toHaveLength(2);
    const [one, two] = await Promise.all(placed.json.data.map(({ id }: { id: string }) => get(`/v1/requests/${id}`)));
    expect(one?.json).toMatchObject({ tenant: "acme", priority: "standard", state: "queued" });
    expect(two?.json).toMatchObject({ tenant: "default", priority: "bulk", attempts: [] });
  });

  it("takes a list whole or not at all", async () => {
    const { send, fleet } = await openTestHttp(services, { environment: { GOOGLE_API_KEY: "" } });
    const good = { prompt: "One" };

    const unknown = await send("POST", "/v1/requests", [good, { prompt: "Two", model: "no-such-model" }]);
    const keyless = await send("POST", "/v1/requests", [good, good, { prompt: "Three", model: "gemini-3.8-flash" }]);
    const broken = await send("POST", "/v1/requests", [good, { prompt: 3 }]);

    expect(unknown).toMatchObject({ status: 400, json: { error: { code: "unknown_model", param: "[1].model" } } });
    expect(keyless).toMatchObject({ status: 400, json: { error: { code: "no_credential", param: "[2].model" } } });
    expect(keyless.json.error.message).toContain("GOOGLE_API_KEY");
    expect(broken).toMatchObject({ status: 400, json: { error: { param: "[1].prompt" } } });
    const [row] = await fleet.ledger.sql`select count(*)::int as n from requests`;
    expect(row?.["n"]).toBe(0);
  });

  it("brings one request for one Idempotency-Key, however often it is sent", async () => {
    const { send } = await openTestHttp(services);
    const order = { prompt: "Say hello", temperature: 0.5 };
    const key = { "idempotency-key": "order-1" };

    const [first, ...again] = await Promise.all([1, 2, 3, 4].map(() => send("POST", "/v1/requests", order, key)));
    const other = await send("POST", "/v1/requests", { prompt: "Say goodbye" }, key);
    const list = await send("POST", "/v1/requests", [order, order], { "idempotency-key": "list-1" });
    const listAgain = await send("POST", "/v1/requests", [order, order], { "idempotency-key": "list-1" });

    expect(new Set(again.map((reply) => reply.json.id))).toEqual(new Set([first?.json.id]));
    expect([first, ...again].filter((reply) => reply?.status === 202)).toHaveLength(1);
    expect(other).toMatchObject({ status: 422, json: { error: { code: "idempotency_mismatch" } } });
    expect(list.json.data[0].id).not.toBe(list.json.data[1].id);
    expect([listAgain.status, listAgain.json]).toEqual([200, list.json]);
  });

  it("stores nothing of a list when one of it comes with a key that brought something else", async () => {
    const { send, fleet } = await openTestHttp(services);
    const key = { "idempotency-key": "k" };
    const list = (...prompts: string[]) =>
      send(
        "POST",
        "/v1/requests",
        prompts.map((prompt) => ({ prompt })),
        key,
      );
    const stored = async () => (await fleet.ledger.sql`select id from requests`).count;
    const first = await list("one", "two");

    const refused = await list("one", "other", "three");
    expect(refused).toMatchObject({
      status: 422,
      json: { error: { code: "idempotency_mismatch", param: "[1]", message: expect.stringContaining("k#1") } },
    });
    expect(await stored()).toBe(2);

    const longer = await list("one", "two", "three");
    expect(longer.json.data.slice(0, 2)).toEqual(first.json.data);
    expect(await stored()).toBe(3);
  });

  it("stores one of two lists that come at once with a key, whole, and neither a part of the other", async () => {
    const { send, fleet } = await openTestHttp(services);
    const place = (prompt: string, length: number, at: number) =>
      send(
        "POST",
        "/v1/requests",
        Array.from({ length }, () => ({ prompt })),
        { "idempotency-key": `k${at}` },
      );
    for (let at = 0; at < 5; at += 1) {
      // The others share the way to the ledger, and are none of its business.
      const [red, blue, ...others] = await Promise.all([
        place("red", 40, at),
        place("blue", 45, at),
        send("POST", "/v1/requests", { prompt: "single" }),
        send("POST", "/v1/requests", [{ prompt: "single" }]),
      ]);
      expect([red?.status, blue?.status].sort()).toEqual([202, 422]);
      expect(others.map(({ status }) => status)).toEqual([202, 202]);
    }
    const prompts = await fleet.ledger.sql<{ keyed: string; kinds: number }[]>`
      select split_part(r.idempotency_key, '#', 1) as keyed, count(distinct p.content::text)::int as kinds
      from requests r join payloads p on p.request_id = r.id where r.idempotency_key is not null group by 1`;
    expect(prompts.map(({ kinds }) => kinds)).toEqual([1, 1, 1, 1, 1]);
  });

  it("refuses a field it does not know, and says which", async () => {
    const { send } = await openTestHttp(services);

    const refused = await send("POST", "/v1/requests", { prompt: "x", tempature: 1 });

    expect(refused).toMatchObject({
      status: 400,
      json: { error: { type: "invalid_request_error", param: "tempature", code: "invalid_request" } },
    });
  });

  it("answers what is not JSON, too long or nowhere in the same shape", async () => {
    const { send, get } = await openTestHttp(services);

    const cut = await send("POST", "/v1/requests", '{"prompt":', { "content-type": "application/json" });
    const form = await send("POST", "/v1/requests", '{"prompt":"x"}', { "content-type": "text/plain" });
    const long = await send("POST", "/v1/requests", { prompt: "x".repeat(33 * 1024 * 1024) });
    const nowhere = await get("/v1/nothing");

    expect(cut).toMatchObject({ status: 400, json: { error: { code: "invalid_json", param: null } } });
    expect(form).toMatchObject({ status: 415, json: { error: { type: "invalid_request_error" } } });
    expect(long).toMatchObject({ status: 413, json: { error: { code: "too_long" } } });
    expect(nowhere).toMatchObject({ status: 404, json: { error: { code: "unknown_route" } } });
  });

  it("keeps the answer's reasons when every provider of the route failed", async () => {
    const { send, simulator } = await openTestHttp(services, {
      workers: true,
      environment: { FALLBACK_CHAIN: "openai" },
    });
    simulator.order([
      { kind: "auth", provider: "anthropic", times: 5 },
      { kind: "auth", provider: "openai", times: 5 },
    ]);

    const failed = await send("POST", "/v1/requests?wait_ms=20000", { prompt: "Say hello" });

    expect(failed.json).toMatchObject({ state: "failed", failure: { kind: "auth" }, result: null });
    expect(failed.json.passed_over).toMatchObject([{ deployment: "anthropic/claude-haiku-4-5", kind: "auth" }]);
  });
});

describe("POST /v1/requests/:id/cancel", () => {
  it("cancels what has not ended, twice as well as once", async () => {
    const { send, get } = await openTestHttp(services);
    const { id } = (await send("POST", "/v1/requests", { prompt: "Say hello" })).json;

    const cancelled = await send("POST", `/v1/requests/${id}/cancel`);
    const again = await send("POST", `/v1/requests/${id}/cancel`);

    expect(cancelled).toMatchObject({ status: 200, json: { state: "cancelled" } });
    expect(again.status).toBe(200);
    expect((await get(`/v1/requests/${id}`)).json.state).toBe("cancelled");
  });

  it("says that it is too late, or that there is no such request", async () => {
    const { send, get } = await openTestHttp(services, { workers: true });
    const { id } = (await send("POST", "/v1/requests?wait_ms=20000", { prompt: "Say hello" })).json;

    const late = await send("POST", `/v1/requests/${id}/cancel`);

    expect(late).toMatchObject({ status: 409, json: { error: { code: "already_finished" } } });
    for (const nobody of ["01890000-0000-7000-8000-000000000000", "x"]) {
      expect((await send("POST", `/v1/requests/${nobody}/cancel`)).status).toBe(404);
      expect((await get(`/v1/requests/${nobody}`)).status).toBe(404);
      expect((await get(`/v1/requests/${nobody}/stream`)).status).toBe(404);
    }
  });
});
