import { expect, it } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const order = { prompt: "Say hello", model: "gpt-5-mini", max_output_tokens: 50 };

async function keyed(limits: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number }) {
  const http = await openTestHttp(services);
  const { key } = await createKey(http.fleet.ledger, { tenant: "acme", name: "test", scope: "use", ...limits });
  const post = (body: unknown, more: Record<string, string> = {}, path = "/v1/requests") =>
    http.send("POST", path, body, { authorization: `Bearer ${key}`, ...more });
  const stored = async () => {
    const [row] = await http.fleet.ledger.sql`select count(*)::int as n from requests`;
    return row?.["n"];
  };
  return { ...http, post, stored };
}

it("refuses what is beyond the requests of its key, says when to come again, and stores nothing of it", async () => {
  const { post, stored } = await keyed({ requestsPerMinute: 3 });

  const list = await post([order, order]);
  const last = await post(order);
  const refused = await post(order);
  const never = await post([order, order, order, order]);

  expect([list.status, last.status]).toEqual([202, 202]);
  expect(list.headers.get("x-ratelimit-limit-requests")).toBe("3");
  expect(list.headers.get("x-ratelimit-remaining-requests")).toBe("1");
  expect(last.headers.get("x-ratelimit-reset-requests")).toMatch(/^\d+\.\d{3}s$/);
  expect(refused).toMatchObject({
    status: 429,
    json: { error: { type: "rate_limit_error", code: "rate_limit_exceeded" } },
  });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(never).toMatchObject({ status: 413, json: { error: { code: "exceeds_key_limit" } } });
  expect(never.headers.get("retry-after")).toBeNull();
  expect(await stored()).toBe(3);
});

it("counts the tokens that requests are estimated to take, on every wire in its own envelope", async () => {
  const { post } = await keyed({ tokensPerMinute: 150 });
  const asked = { model: "gpt-5-mini", max_tokens: 50, messages: [{ role: "user", content: "Say hello" }] };

  const first = await post(order);
  const rest = 150 - Number(first.headers.get("x-ratelimit-remaining-tokens"));
  const openai = await post({ ...asked, max_tokens: 140 }, {}, "/v1/chat/completions");
  const anthropic = await post({ ...asked, max_tokens: 140 }, {}, "/v1/messages");

  expect(rest).toBeGreaterThan(50);
  expect(openai).toMatchObject({ status: 429, json: { error: { code: "rate_limit_exceeded" } } });
  expect(anthropic).toMatchObject({ status: 429, json: { type: "error", error: { type: "rate_limit_error" } } });
});

it("charges nothing for what an idempotency key had brought before, nor for what is refused", async () => {
  const { post, get, stored } = await keyed({ requestsPerMinute: 2 });
  const once = { "idempotency-key": "k" };

  const same = await Promise.all([1, 2, 3].map(() => post(order, once)));
  const wrong = await post({ ...order, model: "no-such-model" });
  const other = await post(order);
  const again = await post(order, once);

  // While none of the three was stored yet, the third of them may have found no room.
  expect(same.map(({ status }) => status).filter((status) => status === 202)).toHaveLength(1);
  expect([wrong.status, other.status, again.status]).toEqual([400, 202, 200]);
  expect((await post(order)).status).toBe(429);
  expect(await stored()).toBe(2);
  expect((await get("/healthz")).status).toBe(200);
});

it("charges nothing for a list that is refused for one of its keys", async () => {
  const { post, stored } = await keyed({ requestsPerMinute: 4 });
  const key = { "idempotency-key": "k" };
  expect((await post([order], key)).status).toBe(202);

  const mixed = await post([{ ...order, prompt: "Another" }, order, order], key);
  const next = await post([order, order, order]);

  expect(mixed).toMatchObject({ status: 422, json: { error: { code: "idempotency_mismatch", param: "[0]" } } });
  expect(next.status).toBe(202);
  expect(await stored()).toBe(4);
});

it("leaves keys without limits alone", async () => {
  const { post } = await keyed({});

  expect((await post(order)).headers.get("x-ratelimit-limit-requests")).toBeNull();
});
