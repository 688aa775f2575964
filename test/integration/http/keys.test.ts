import { describe, expect, test } from "vitest";
import { createKey, holderOf, revokeKey } from "../../../src/ledger/api-keys.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const order = { model: "claude-haiku-4-5", prompt: "Say something." };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function keyed() {
  const { fleet, get, send, url } = await openTestHttp(services);
  const key = async (tenant: string, scope: "admin" | "use" = "use", expiresAt?: Date) =>
    createKey(fleet.ledger, { tenant, name: "test", scope, ...(expiresAt === undefined ? {} : { expiresAt }) });
  return { fleet, get, send, url, key };
}

describe("a server without any key", () => {
  test("answers everybody on this machine", async () => {
    const { send } = await keyed();
    expect((await send("POST", "/v1/requests", order)).status).toBe(202);
  });

  test("makes one and tells it once when it listens further than this machine, and then asks for it", async () => {
    const warned: string[] = [];
    const wish = { http: { host: "0.0.0.0", warn: (line: string) => warned.push(line) } };
    const { fleet, get } = await openTestHttp(services, wish);
    const key = /mr-[\w-]{43}/.exec(warned.join())?.[0] ?? "";
    expect(await holderOf(fleet.ledger, key)).toMatchObject({ scope: "admin" });
    expect((await get("/v1/requests/x")).status).toBe(401);
    expect((await get("/v1/requests/x", bearer(key))).status).toBe(404);
  });
});

describe("a server with keys", () => {
  test("asks every call for one, and says how to get it; health is open", async () => {
    const { get, send, key } = await keyed();
    await key("red");
    for (const reply of [await send("POST", "/v1/requests", order), await get("/board"), await get("/metrics")]) {
      expect(reply).toMatchObject({ status: 401, json: { error: { code: "missing_api_key" } } });
      expect(reply.json.error.message).toContain("millrace key create");
    }
    expect((await get("/v1/requests/x", bearer("mr-wrong"))).json.error.code).toBe("invalid_api_key");
    expect((await get("/healthz")).status).toBe(200);
  });

  test("takes a key as Bearer and as x-api-key, until it is revoked or has expired", async () => {
    const { fleet, get, key } = await keyed();
    const [good, gone, late] = [await key("red"), await key("red"), await key("red", "use", new Date(0))];
    await revokeKey(fleet.ledger, gone.prefix);
    expect((await get("/v1/requests/x", bearer(good.key))).status).toBe(404);
    expect((await get("/v1/requests/x", { "x-api-key": good.key })).status).toBe(404);
    for (const { key: bad } of [gone, late]) expect((await get("/v1/requests/x", bearer(bad))).status).toBe(401);
  });

  test("shows a tenant nothing of another, takes nothing in another's name, and keeps board and metrics for admins", async () => {
    const { fleet, get, send, key } = await keyed();
    const [red, blue, admin] = [await key("red"), await key("blue"), await key("any", "admin")];
    const placed = await send("POST", "/v1/requests", order, bearer(red.key));
    expect(placed.json.tenant).toBe("red");
    const path = `/v1/requests/${placed.json.id}`;
    expect((await get(path, bearer(red.key))).status).toBe(200);
    expect((await get(path, bearer(admin.key))).status).toBe(200);
    expect((await get(path, bearer(blue.key))).status).toBe(404);
    expect((await get(`${path}/stream`, bearer(blue.key))).status).toBe(404);
    expect((await send("POST", `${path}/cancel`, undefined, bearer(blue.key))).status).toBe(404);
    const stolen = await send("POST", "/v1/requests", { ...order, tenant: "red" }, bearer(blue.key));
    expect(stolen).toMatchObject({ status: 400, json: { error: { param: "tenant" } } });
    const given = await send("POST", "/v1/requests", { ...order, tenant: "green" }, bearer(admin.key));
    expect(given.json.tenant).toBe("green");
    for (const place of ["/board", "/metrics"]) {
      expect((await get(place, bearer(red.key))).status).toBe(403);
      expect((await get(place, bearer(admin.key))).status).not.toBe(403);
    }
    expect(await fleet.ledger.sql`select 1 from requests where tenant = 'blue'`).toHaveLength(0);
  });

  test("lets an admin into the board by a page that keeps the key in a cookie scripts cannot read", async () => {
    const { get, url, key } = await keyed();
    const [use, admin] = [await key("red"), await key("any", "admin")];
    const asked = await fetch(`${url}/board`, { headers: { accept: "text/html" }, redirect: "manual" });
    expect([asked.status, asked.headers.get("location")]).toEqual([303, "/login"]);
    expect((await get("/login")).text).toContain('type="password"');
    const post = (value: string) =>
      fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ key: value }), redirect: "manual" });
    expect((await post(use.key)).status).toBe(401);
    const cookie = (await post(admin.key)).headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await get("/board", { cookie: cookie.split(";")[0] ?? "" })).status).toBe(200);
  });
});

test("a key is kept nowhere: the ledger has its digest", async () => {
  const { fleet, key } = await keyed();
  const { key: secret } = await key("red");
  const [row] = await fleet.ledger.sql`select * from api_keys`;
  expect(JSON.stringify(row)).not.toContain(secret.slice(12));
});
