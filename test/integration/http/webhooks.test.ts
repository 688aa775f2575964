import { describe, expect, test } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openTestHttp } from "../../support/http.ts";
import { requestIn } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const url = "https://hooks.example.com/millrace";
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe("/v1/webhooks", () => {
  test("registers an address, shows its secret once, and shows how it is doing", async () => {
    const { fleet, get, send } = await openTestHttp(services);
    const made = await send("POST", "/v1/webhooks", { url, events: ["batch.completed", "batch.completed"] });
    expect(made.status).toBe(201);
    const { secret, ...shown } = made.json;
    expect(secret).toMatch(/^whsec_[A-Za-z\d+/]{43}=$/);
    expect(shown).toEqual({
      id: expect.any(String),
      object: "webhook",
      tenant: "default",
      url,
      events: ["batch.completed"],
      batch_requests: false,
      created_at: expect.any(String),
      ended_at: null,
      end_reason: null,
      last_success_at: null,
      failures: 0,
      failing_since: null,
      last_error: null,
      pending: 0,
    });
    expect((await get(`/v1/webhooks/${shown.id}`)).json).toEqual(shown);
    expect((await get("/v1/webhooks")).json).toEqual({ object: "list", data: [shown], has_more: false });
    const all = await send("POST", "/v1/webhooks", { url, tenant: "t" });
    expect(all.json.events).toHaveLength(7);
    await requestIn(fleet.ledger, "succeeded");
    expect((await get(`/v1/webhooks/${all.json.id}`)).json.pending).toBe(1);
  });

  test("refuses what it cannot use, and says which field it is", async () => {
    const { get, send } = await openTestHttp(services);
    const answer = async (body: unknown) => {
      const { status, json } = await send("POST", "/v1/webhooks", body);
      return [status, json.error.code, json.error.message];
    };
    expect(await answer({ url: "http://169.254.169.254/latest/meta-data" })).toEqual([
      400,
      "bad_url",
      expect.stringContaining("not public"),
    ]);
    for (const [body, words] of [
      [{ url: "gopher://example.com" }, "neither http nor https"],
      [{ url: "https://a:b@example.com" }, "login"],
      [{ url: `https://example.com/${"\u0000"}` }, undefined],
      [{ url, events: ["batch.done"] }, "events"],
      [{ url, events: [] }, "events"],
      [{ url, color: "red" }, "color"],
      [{}, "url"],
      [[], "object"],
    ] as const) {
      if (words === undefined) expect((await send("POST", "/v1/webhooks", body)).status).toBe(201);
      else expect(await answer(body)).toEqual([400, expect.any(String), expect.stringContaining(words)]);
    }
    for (const id of ["x", "%00", "0193b6a2-7c1e-7d40-9a52-0123456789ab"]) {
      expect((await get(`/v1/webhooks/${id}`)).json.error.code).toBe("webhook_not_found");
    }
  });

  test("shows a tenant its own only, and lets it revoke no other's", async () => {
    const { fleet, get, send, url: base } = await openTestHttp(services);
    const key = async (tenant: string, scope: "admin" | "use") =>
      (await createKey(fleet.ledger, { tenant, name: "test", scope })).key;
    const [red, blue, admin] = [await key("red", "use"), await key("blue", "use"), await key("any", "admin")];
    const made = await send("POST", "/v1/webhooks", { url }, bearer(red));
    expect(made.json.tenant).toBe("red");
    const stolen = await send("POST", "/v1/webhooks", { url, tenant: "red" }, bearer(blue));
    expect(stolen).toMatchObject({ status: 400, json: { error: { param: "tenant" } } });
    const path = `/v1/webhooks/${made.json.id}`;
    const remove = async (key: string) =>
      (await fetch(`${base}${path}`, { method: "DELETE", headers: bearer(key) })).status;
    expect((await get(path, bearer(blue))).status).toBe(404);
    expect((await get("/v1/webhooks", bearer(blue))).json.data).toEqual([]);
    expect((await get("/v1/webhooks", bearer(admin))).json.data).toHaveLength(1);
    expect(await remove(blue)).toBe(404);
    expect(await remove(red)).toBe(200);
    expect((await get(path, bearer(red))).json).toMatchObject({ end_reason: "revoked", ended_at: expect.any(String) });
  });

  test("takes twenty of a tenant", async () => {
    const { send } = await openTestHttp(services);
    const made = await Promise.all(Array.from({ length: 21 }, () => send("POST", "/v1/webhooks", { url })));
    const refused = made.filter(({ status }) => status !== 201);
    expect(refused.map(({ status, json }) => [status, json.error.code])).toEqual([[400, "too_many"]]);
  });

  test("brings one webhook for one Idempotency-Key, with its secret, and refuses another wish", async () => {
    const { fleet, get, send } = await openTestHttp(services);
    const key = { "idempotency-key": "k" };
    const wish = { url, events: ["batch.completed"] };
    const register = (body: object, headers: Record<string, string> = key) =>
      send("POST", "/v1/webhooks", body, headers);
    const made = await Promise.all(Array.from({ length: 25 }, () => register(wish)));
    const [first] = made;
    expect(first?.json.secret).toMatch(/^whsec_/);
    for (const { status, json } of made) expect({ status, json }).toEqual({ status: 201, json: first?.json });
    expect((await get("/v1/webhooks")).json.data).toHaveLength(1);
    for (const other of [{ url }, { ...wish, url: `${url}/2` }, { ...wish, batch_requests: true }]) {
      expect(await register(other)).toMatchObject({ status: 422, json: { error: { code: "idempotency_mismatch" } } });
    }
    expect((await register({ ...wish, tenant: "t" })).json).toMatchObject({ tenant: "t" });
    expect((await register(wish, { "idempotency-key": "x".repeat(256) })).status).toBe(400);

    await fleet.ledger.sql`update webhook_endpoints set ended_at = now(), end_reason = 'gone', secret = null
      where id = ${first?.json.id}`;
    const anew = await register(wish);
    expect(anew.status).toBe(201);
    expect(anew.json.id).not.toBe(first?.json.id);
    expect(anew.json.secret).not.toBe(first?.json.secret);
  });
});
