import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const bounds = { maxOpen: 6, maxOpenPerTenant: 4 };
const ask = (count: number, tenant: string) =>
  Array.from({ length: count }, (_unused, at) => ({ prompt: `Say ${at}`, tenant }));

it("answers 429 at a tenant's bound and 503 at the fleet's, with Retry-After and what to do", async () => {
  const { send, fleet } = await openTestHttp(services, { settings: { backlog: bounds } });

  expect((await send("POST", "/v1/requests", ask(4, "acme"))).status).toBe(202);
  const tenant = await send("POST", "/v1/requests", { prompt: "One more", tenant: "acme" });
  const whole = await send("POST", "/v1/requests", ask(3, "other"));

  expect(tenant).toMatchObject({
    status: 429,
    json: { error: { type: "rate_limit_error", code: "tenant_backlog_full", param: null } },
  });
  expect(tenant.json.error.message).toMatch(/"acme" is full: 4 may be open, 4 are, and 1 more was handed in.*backlog/);
  expect(whole).toMatchObject({ status: 503, json: { error: { type: "unavailable_error", code: "backlog_full" } } });
  for (const { headers } of [tenant, whole]) {
    expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(300);
  }
  const [row] = await fleet.ledger.sql`select count(*)::int as n from requests`;
  expect(row?.["n"]).toBe(4);
});

it("lets the same list in once there is room, and a known key at any time", async () => {
  const { send, work } = await openTestHttp(services, { settings: { backlog: bounds } });
  const key = { "idempotency-key": "k" };
  expect((await send("POST", "/v1/requests", ask(4, "acme"), key)).status).toBe(202);
  expect((await send("POST", "/v1/requests", ask(4, "acme"), key)).status).toBe(200);
  expect((await send("POST", "/v1/requests", ask(2, "acme"))).status).toBe(429);

  await work();

  await expect
    .poll(() => send("POST", "/v1/requests", ask(2, "acme")).then(({ status }) => status), { timeout: 20_000 })
    .toBe(202);
});

it("holds no more bodies at once than it has memory for, and takes the next when one is through", async () => {
  const { send, url } = await openTestHttp(services);
  const { hostname, port } = new URL(url);
  /** Announces a long body and keeps it back; says when the server answers all the same. */
  const begin = () => {
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(
      `POST /v1/requests HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${36 * 1024 * 1024}\r\n\r\n{`,
    );
    return { socket, answered: once(socket, "data").then(([data]) => ({ socket, text: String(data) })) };
  };
  const order = { prompt: "Say hello" };
  const begun = [begin(), begin(), begin(), begin(), begin()];

  const refused = await Promise.race(begun.map(({ answered }) => answered));
  expect(refused.text).toMatch(/^HTTP\/1.1 503 .*retry-after: 1\r\n.*"code":"too_much_at_once"/s);
  expect(await send("POST", "/v1/requests", order)).toMatchObject({
    status: 503,
    json: { error: { code: "too_much_at_once" } },
  });
  begun.find(({ socket }) => socket !== refused.socket)?.socket.destroy();
  await expect
    .poll(() => send("POST", "/v1/requests", order).then(({ status }) => status), { timeout: 20_000 })
    .toBe(202);
});

it("keeps no room for bodies of unknown length that have come, however long their answers take", async () => {
  const { url, fleet } = await openTestHttp(services);
  const hangUp = new AbortController();
  onTestFinished(() => hangUp.abort());
  const ask = (at: number) =>
    fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob([
        JSON.stringify({ model: "openai/gpt-5-mini", messages: [{ role: "user", content: `Say ${at}` }] }),
      ]).stream(),
      signal: hangUp.signal,
      duplex: "half",
    } as RequestInit).catch(() => undefined);
  const waiting = async () => (await fleet.ledger.sql`select from requests`).length;

  for (let at = 1; at <= 6; at += 1) {
    const answered = ask(at).then((response) => response?.status);
    await expect.poll(() => Promise.race([answered, waiting()])).toBe(at);
  }
});
