import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { observeFleet } from "../../../producers/http/fleet-gauges.ts";
import { startHttp } from "../../../producers/http/server.ts";
import { startTelemetry } from "../../../src/telemetry/start.ts";
import { eventually } from "../../support/eventually.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestCircuits } from "../../support/gate.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices({ ownServers: true });

describe("health", () => {
  it("is alive and ready when everything answers", async () => {
    const { get } = await openTestHttp(services);

    expect(await get("/healthz")).toMatchObject({ status: 200, json: { status: "ok" } });
    expect(await get("/readyz")).toMatchObject({
      status: 200,
      json: { status: "ready", checks: { ledger: "ok", redis: "ok", migrations: "ok" } },
    });
  });

  it("says within three seconds that Redis is away, accepts all the same, and recovers", async () => {
    const redis = await severable(await services.emptyRedis());
    const { get, send, work } = await openTestHttp(services, { environment: { REDIS_URL: redis.url } });
    redis.cut();

    const began = performance.now();
    const away = await get("/readyz");

    expect(performance.now() - began).toBeLessThan(3_000);
    expect(away.status).toBe(503);
    expect(away.json.checks).toMatchObject({ ledger: "ok", migrations: "ok", redis: { missing: expect.any(String) } });
    expect((await get("/healthz")).status).toBe(200);
    const placed = await send("POST", "/v1/requests", { prompt: "Say hello", priority: "interactive" });
    expect(placed.status).toBe(202);
    redis.mend();
    await eventually("it is ready again", async () => (await get("/readyz")).status === 200);
    await work();
    await eventually("the request ends", async () => {
      return (await get(`/v1/requests/${placed.json.id}`)).json.state === "succeeded";
    });
  });

  it("answers 503 with Retry-After while the ledger is away, and recovers", async () => {
    const postgres = await severable(await services.emptyDatabase());
    const { get, send } = await openTestHttp(services, { environment: { DATABASE_URL: postgres.url } });
    postgres.cut();

    const ready = await get("/readyz");
    const placed = await send("POST", "/v1/requests", { prompt: "Say hello" });

    expect(ready.status).toBe(503);
    expect(ready.json.checks).toMatchObject({ redis: "ok", ledger: { missing: expect.any(String) } });
    expect(placed).toMatchObject({ status: 503, json: { error: { code: "ledger_unavailable" } } });
    expect(Number(placed.headers.get("retry-after"))).toBeGreaterThan(0);
    postgres.mend();
    await eventually("it is ready again", async () => (await get("/readyz")).status === 200);
    expect((await send("POST", "/v1/requests", { prompt: "Say hello" })).status).toBe(202);
  });

  it("says that Postgres takes no writes, and accepts nothing while it does not", async () => {
    const databaseUrl = await services.emptyDatabase();
    const server = await services.postgresServer();
    const { get, send } = await openTestHttp(services);
    const readOnly = async (change: string) => {
      await server.asSuperuser(databaseUrl, change);
      await server.asSuperuser(databaseUrl, "select pg_reload_conf()");
    };
    await readOnly("alter system set default_transaction_read_only = on");
    onTestFinished(() => readOnly("alter system reset default_transaction_read_only"));

    const ready = await eventually("it is noticed", async () => {
      const answer = await get("/readyz");
      return answer.status === 503 && answer;
    });
    const placed = await send("POST", "/v1/requests", { prompt: "Say hello" });

    expect(ready.json.checks).toMatchObject({ redis: "ok", migrations: "ok" });
    expect(ready.json.checks.ledger.missing).toBe("Postgres takes no writes: transactions are read only");
    expect(placed).toMatchObject({ status: 503, json: { error: { code: "ledger_unavailable" } } });
    expect(Number(placed.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await get("/healthz")).status).toBe(200);
  });

  it.each([
    ["its memory is full", ["maxmemory", "1"], ["maxmemory", "0"], /OOM/],
    ["it waits for replicas", ["min-replicas-to-write", "1"], ["min-replicas-to-write", "0"], /NOREPLICAS/],
  ])("says that Redis takes no writes: %s", async (_what, begin, end, words) => {
    const { get } = await openTestHttp(services);
    const redis = await services.redis();
    await redis.call("CONFIG", "SET", ...begin);
    onTestFinished(async () => void (await redis.call("CONFIG", "SET", ...end)));

    const { status, json } = await get("/readyz");

    expect(status).toBe(503);
    expect(json.checks).toMatchObject({ ledger: "ok", migrations: "ok" });
    expect(json.checks.redis.missing).toMatch(words);
  });

  it("says that Redis takes no writes: it has become a replica", async () => {
    const { get } = await openTestHttp(services);
    const redis = await services.redis();
    await redis.call("REPLICAOF", "127.0.0.1", "1");
    onTestFinished(async () => void (await redis.call("REPLICAOF", "NO", "ONE")));

    const { status, json } = await get("/readyz");

    expect(status).toBe(503);
    expect(json.checks.redis.missing).toMatch(/READONLY/);
  });

  it("says that what was accepted may be accepted when only the answer was lost; with a key it is taken once", async () => {
    const postgres = await severable(await services.emptyDatabase());
    const { fleet, send } = await openTestHttp(services, { environment: { DATABASE_URL: postgres.url } });
    const key = { "idempotency-key": "once" };
    postgres.loseAnswerTo("the lost answer");

    const first = await send("POST", "/v1/requests", { prompt: "the lost answer" }, key);
    const again = await send("POST", "/v1/requests", { prompt: "the lost answer" }, key);

    expect(first).toMatchObject({ status: 503, json: { error: { code: "ledger_unavailable" } } });
    expect(again.status).toBe(200);
    const rows = await fleet.ledger.sql<{ id: string }[]>`select id from requests`;
    expect(rows).toEqual([{ id: again.json.id }]);
  });

  it("is not ready on a database that lacks a migration of this version", async () => {
    const { get, fleet } = await openTestHttp(services, {
      environment: { DATABASE_URL: await services.bareDatabase() },
    });
    await fleet.ledger.sql`delete from drizzle.__drizzle_migrations`;

    const lacking = await get("/readyz");

    expect(lacking.status).toBe(503);
    expect(lacking.json.checks.migrations.missing).toContain("0000_");
  });
});

describe("GET /metrics", () => {
  it("holds the process' own counts and the fleet's gauges", async () => {
    const telemetry = await startTelemetry({ service: "millrace-test", exportTraces: false });
    const fleet = await openTestFleet(services, { telemetry: telemetry.telemetry });
    const gauges = observeFleet(fleet, telemetry.observe);
    await openTestCircuits(fleet).isolate("openai", "maintenance");
    const { metricsText } = telemetry;
    const http = await startHttp(fleet, { host: "127.0.0.1", port: 0, metricsText });
    const body = JSON.stringify([{ prompt: "One" }, { prompt: "Two" }, { prompt: "Three", priority: "interactive" }]);
    await fetch(`${http.url}/v1/requests`, { method: "POST", headers: { "content-type": "application/json" }, body });

    const answer = await fetch(`${http.url}/metrics`);
    const text = await answer.text();
    await http.close();
    gauges.close();
    await telemetry.stop();

    expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const value = (series: RegExp) => Number(new RegExp(`^${series.source} (\\S+)$`, "m").exec(text)?.[1]);
    expect(value(/millrace_requests_accepted_total/)).toBe(3);
    expect(value(/millrace_requests\{millrace_state="queued"\}/)).toBe(2);
    expect(value(/millrace_requests\{millrace_state="dispatched"\}/)).toBe(1);
    expect(value(/millrace_backlog\{millrace_lane="anthropic\.haiku"\}/)).toBe(2);
    expect(value(/millrace_lane_oldest_age_seconds\{millrace_lane="anthropic\.haiku"\}/)).toBeGreaterThan(0);
    expect(
      value(/millrace_lane_jobs\{millrace_lane="anthropic\.haiku",millrace_side="express",millrace_state="waiting"\}/),
    ).toBe(1);
    expect(
      value(/millrace_circuit_state\{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-haiku-4-5"\}/),
    ).toBe(0);
    expect(value(/millrace_circuit_state\{gen_ai_provider_name="openai",gen_ai_request_model="gpt-5-mini"\}/)).toBe(3);
    expect(text).not.toMatch(/millrace_lane_oldest_age_seconds\{millrace_lane="openai/);
  });
});

describe("who may ask", () => {
  it("answers on loopback to this machine's names only", async () => {
    const { url } = await openTestHttp(services);

    expect(await statusFor(url, { host: "evil.example" })).toBe(403);
    expect(await statusFor(url, { host: "localhost:1" })).toBe(200);
    expect(await statusFor(url, { host: "127.0.0.1.evil.example" })).toBe(403);
    expect(await statusFor(url, { host: "[::1]:8787" })).toBe(200);
  });

  it("lets no page of another site change anything", async () => {
    const { send, get } = await openTestHttp(services);
    const { id } = (await send("POST", "/v1/requests", { prompt: "Say hello" })).json;

    const refused = await send("POST", `/v1/requests/${id}/cancel`, undefined, { "sec-fetch-site": "cross-site" });

    expect(refused).toMatchObject({ status: 403, json: { error: { code: "cross_site" } } });
    expect((await get(`/v1/requests/${id}`)).json.state).toBe("queued");
  });

  it("says that keys are needed when it listens to others, where any name will do", async () => {
    const warnings: string[] = [];
    const { url } = await openTestHttp(services, { http: { host: "0.0.0.0", warn: (line) => warnings.push(line) } });

    expect(warnings).toEqual([expect.stringContaining("every call needs an API key")]);
    expect(await statusFor(url, { host: "millrace.internal" })).toBe(200);
  });

  it("sends headers that keep its answers out of other pages", async () => {
    const { get } = await openTestHttp(services);

    const { headers } = await get("/healthz");

    expect(Object.fromEntries(headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cache-control": "no-store",
    });
  });
});

/** fetch does not let a caller choose the Host header. */
const statusFor = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(`${url}/healthz`, { headers }, (answer) => resolve(answer.resume().statusCode))
      .on("error", reject)
      .end();
  });
