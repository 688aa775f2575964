/** How a request goes out to Azure: its two ways, its three credentials. The real SDK over a real socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { azureOpenai } from "../../src/provider/adapters/azure-openai.ts";
import { entraTokens } from "../../src/provider/adapters/openai/azure-token.ts";
import { call } from "../support/call.ts";
import { startWireServer, type WireRequest, type WireServer } from "../support/wire-server.ts";
import { json } from "../support/wires.ts";

let server: WireServer;
let entra: WireServer;
beforeAll(async () => {
  [server, entra] = await Promise.all([startWireServer(), startWireServer()]);
});
afterAll(() => Promise.all([server.stop(), entra.stop()]));

const completion = json(JSON.stringify({ choices: [{ message: { content: "Hi." }, finish_reason: "stop" }] }));
beforeEach(() => {
  server.answer = () => completion;
});

const key = "azure-0123456789-abcdWXYZ";
const last = (): WireRequest => {
  const sent = server.requests.at(-1);
  if (sent === undefined) throw new Error("nothing arrived");
  return sent;
};
const silent = () => ({ signal: new AbortController().signal, onDelta: () => {}, onActivity: () => {} });

describe("azure-openai", () => {
  it("goes by the v1 API with its key in api-key, and the deployment as the model", async () => {
    for (const baseUrl of [server.url, `${server.url}/`, `${server.url}/openai/v1/`]) {
      const { outcome } = await call(azureOpenai.connect({ apiKey: key, baseUrl }), { model: "my-deployment" });
      expect(outcome).toMatchObject({ ok: true, text: "Hi." });
      expect(last().path).toBe("/openai/v1/chat/completions");
      expect(last().headers.get("api-key")).toBe(key);
      expect(last().headers.get("authorization")).toBeNull();
      expect(last().body).toMatchObject({ model: "my-deployment" });
    }
  });

  it("goes by the deployment's path with a dated version", async () => {
    const more = { apiVersion: "2024-10-21" };
    const connection = azureOpenai.connect({ apiKey: key, baseUrl: server.url, more });
    expect((await call(connection, { model: "my-deployment" })).outcome.ok).toBe(true);
    expect(last().path).toBe("/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21");
    expect(last().headers.get("api-key")).toBe(key);
    server.answer = () => json(JSON.stringify({ data: [] }));
    expect((await connection.probe(silent())).ok).toBe(true);
    expect(last().path).toBe("/openai/models?api-version=2024-10-21");
  });

  it("says its version where it is a preview", async () => {
    const connection = azureOpenai.connect({ apiKey: key, baseUrl: server.url, more: { apiVersion: "preview" } });
    await call(connection, { model: "m" });
    expect(last().path).toBe("/openai/v1/chat/completions?api-version=preview");
  });

  it("shows a token of Entra's as a bearer's", async () => {
    const more = { entraToken: "eyJ-token" };
    await call(azureOpenai.connect({ apiKey: "eyJ-token", baseUrl: server.url, more }), { model: "m" });
    expect(last().headers.get("authorization")).toBe("Bearer eyJ-token");
    expect(last().headers.get("api-key")).toBeNull();
  });

  it("says whether Azure is busy or we are too fast", async () => {
    const connection = azureOpenai.connect({ apiKey: key, baseUrl: server.url });
    const refusal = (message: string) => json(JSON.stringify({ error: { code: "429", message } }), 429);
    server.answer = () => refusal("Rate limit is exceeded. Try again in 9 seconds.");
    expect((await call(connection, { model: "m" })).outcome).toMatchObject({ failure: { kind: "rate" } });
    server.answer = () => refusal("The service is temporarily unable to process your request. Please try again later.");
    expect((await call(connection, { model: "m" })).outcome).toMatchObject({ failure: { kind: "capacity" } });
  });

  it("names its request by Azure's own header", async () => {
    server.answer = () => ({ ...completion, headers: { "apim-request-id": "apim-1" } });
    const { outcome } = await call(azureOpenai.connect({ apiKey: key, baseUrl: server.url }), { model: "m" });
    expect(outcome.providerRequestId).toBe("apim-1");
  });
});

describe("an application of Entra's", () => {
  const secret = "app-secret-0123456789-QRST";
  const application = () => ({ secret, clientId: "client", tenantId: "tenant", authority: entra.url });
  const granted = (token: string, seconds = 3_600) =>
    json(JSON.stringify({ token_type: "Bearer", access_token: token, expires_in: seconds }));
  const more = () => ({
    clientSecretKey: secret,
    clientId: "client",
    tenantId: "tenant",
    authorityHost: entra.url,
  });

  it("gets one token for many calls, and shows it with each", async () => {
    const before = entra.requests.length;
    entra.answer = () => granted("t-1");
    const connection = azureOpenai.connect({ apiKey: secret, baseUrl: server.url, more: more() });
    const outcomes = await Promise.all([1, 2, 3].map(() => call(connection, { model: "m" })));
    expect(outcomes.every(({ outcome }) => outcome.ok)).toBe(true);
    expect(last().headers.get("authorization")).toBe("Bearer t-1");
    expect(entra.requests.length - before).toBe(1);
    expect(entra.requests.at(-1)?.path).toBe("/tenant/oauth2/v2.0/token");
    expect(new URLSearchParams(String(entra.requests.at(-1)?.body)).get("client_secret")).toBe(secret);
  });

  it("gets a new one before the old one ends", async () => {
    let nowMs = 0;
    const tokens = entraTokens(application(), () => nowMs);
    entra.answer = () => granted("t-1");
    const { signal } = new AbortController();
    expect(await tokens(signal)).toMatchObject({ credential: { secret: "t-1" } });
    entra.answer = () => granted("t-2");
    nowMs = 3_299_000;
    expect(await tokens(signal)).toMatchObject({ credential: { secret: "t-1" } });
    nowMs = 3_301_000;
    expect(await tokens(signal)).toMatchObject({ credential: { secret: "t-2" } });
  });

  it("that is refused is a credential that fails, and shows no secret", async () => {
    const words = `AADSTS7000215: Invalid client secret provided: ${secret}.`;
    entra.answer = () => json(JSON.stringify({ error: "invalid_client", error_description: words }), 401);
    const before = server.requests.length;
    const connection = azureOpenai.connect({ apiKey: secret, baseUrl: server.url, more: more() });
    for (const stream of [false, true]) {
      const { outcome } = await call(connection, { model: "m", stream });
      expect(outcome).toMatchObject({ ok: false, failure: { kind: "auth", code: "invalid_client" } });
      expect(JSON.stringify(outcome)).not.toContain(secret.slice(-4));
    }
    expect(server.requests.length).toBe(before);
  });

  it.each([
    [{ status: 503, pieces: ["busy"] }, "capacity"],
    [{ status: 200, pieces: ["<html></html>"] }, "server"],
    [{ pieces: ["{"], finale: "reset" as const }, "network"],
  ])("without a token for another reason fails as that: %j", async (answer, kind) => {
    entra.answer = () => answer;
    const tokens = entraTokens(application());
    expect(await tokens(new AbortController().signal)).toMatchObject({ ok: false, failure: { kind } });
  });

  it("is not waited for by a call that is stopped", async () => {
    entra.answer = () => ({ finale: "hang" });
    const tokens = entraTokens(application());
    const stop = AbortSignal.abort(new DOMException("total", "TimeoutError"));
    expect(await tokens(stop)).toMatchObject({ ok: false, failure: { kind: "timeout" } });
  });
});
