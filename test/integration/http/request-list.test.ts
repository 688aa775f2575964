import { expect, it } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const wait = "/v1/requests?wait_ms=20000";
const idsOf = ({ json }: { readonly json: { readonly data: readonly { readonly id: string }[] } }) =>
  json.data.map(({ id }) => id);

it("lists requests newest first, by page, both ways, and never what was asked", async () => {
  const { send, get } = await openTestHttp(services);
  const prompts = ["One", "Two", "Three", "Four", "Five"].map((prompt) => ({ prompt }));
  const placed = idsOf(await send("POST", "/v1/requests", prompts)).reverse();

  const first = await get("/v1/requests?limit=2");
  const second = await get(`/v1/requests?limit=2&after=${first.json.last_id}`);
  const last = await get(`/v1/requests?limit=2&after=${second.json.last_id}`);
  const back = await get(`/v1/requests?limit=2&before=${last.json.first_id}`);

  expect([...idsOf(first), ...idsOf(second), ...idsOf(last)]).toEqual(placed);
  expect([first, second, last].map(({ json }) => json.has_more)).toEqual([true, true, false]);
  expect(idsOf(back)).toEqual(idsOf(second));
  expect(back.json.has_more).toBe(true);
  expect(first.json.data[0]).toMatchObject({ object: "request", state: "queued", tenant: "default", failure: null });
  expect(first.text).not.toContain("Five");
});

it("narrows the list by what is known of a request", async () => {
  const { send, get } = await openTestHttp(services);
  const place = async (order: object) => (await send("POST", "/v1/requests", { prompt: "x", ...order })).json.id;
  const plain = await place({ model: "gpt-5-mini" });
  const acme = await place({ model: "gpt-5-mini", tenant: "acme" });
  const haiku = await place({ model: "claude-haiku-4-5" });
  await send("POST", `/v1/requests/${haiku}/cancel`);
  const createdAt = (await get(`/v1/requests/${acme}`)).json.created_at;
  const list = async (query: string) => idsOf(await get(`/v1/requests?${query}`));

  expect(await list("state=cancelled")).toEqual([haiku]);
  expect(await list("model=gpt-5-mini")).toEqual([acme, plain]);
  expect(await list("tenant=acme")).toEqual([acme]);
  expect(await list("batch_id=01890000-0000-7000-8000-000000000000")).toEqual([]);
  expect(await list(`created_before=${createdAt}`)).toEqual([plain]);
  expect(await list("created_after=2199-01-01T00:00:00Z")).toEqual([]);
});

it("shows the holder of a key what is its tenant's, and nothing else", async () => {
  const { send, get, fleet } = await openTestHttp(services);
  const bearer = async (tenant: string) => {
    const { key } = await createKey(fleet.ledger, { tenant, name: "test", scope: "use" });
    return { authorization: `Bearer ${key}` };
  };
  const headers = await bearer("acme");
  await send("POST", "/v1/requests", { prompt: "x" }, await bearer("other"));
  const mine = (await send("POST", "/v1/requests", { prompt: "x" }, headers)).json.id;

  expect(idsOf(await get("/v1/requests?tenant=other", headers))).toEqual([mine]);
});

it("refuses a query that it does not know, and says which", async () => {
  const { get } = await openTestHttp(services);

  const one = "01890000-0000-7000-8000-000000000000";
  for (const [query, param] of [
    ["limit=101", "limit"],
    ["state=lost", "state"],
    ["novel=1", "novel"],
    ["after=x", "after"],
    ["created_after=yesterday", "created_after"],
    [`after=${one}&before=${one}`, "after"],
  ]) {
    expect(await get(`/v1/requests?${query}`)).toMatchObject({ status: 400, json: { error: { param } } });
  }
});

it("tells a request's way: who was asked, who was passed over, and how it ended", async () => {
  const { send, get, simulator } = await openTestHttp(services, {
    workers: true,
    environment: { FALLBACK_CHAIN: "openai" },
  });
  simulator.order({ kind: "auth", provider: "anthropic" });
  const { id } = (await send("POST", wait, { prompt: "Say hello" })).json;

  const { json } = await get(`/v1/requests/${id}/events`);

  const first = { attempt: 1, deployment: "anthropic/claude-haiku-4-5" };
  const other = { attempt: 2, deployment: expect.stringMatching(/^openai\//) };
  expect(json.data).toMatchObject([
    { type: "accepted", priority: "standard", estimated_output_tokens: expect.any(Number) },
    { type: "call_started", ...first },
    { type: "call_ended", ...first, outcome: "failed", failure: { kind: "auth" }, http_status: 401 },
    { type: "passed_over", deployment: first.deployment, failure: { kind: "auth" } },
    { type: "dispatched", at: expect.any(String), dispatch: 2 },
    { type: "call_started", ...other },
    { type: "call_ended", ...other, outcome: "succeeded", failure: null },
    { type: "succeeded", at: expect.any(String) },
  ]);
  expect((await get("/v1/requests/01890000-0000-7000-8000-000000000000/events")).status).toBe(404);
});
