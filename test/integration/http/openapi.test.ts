import { expect, it } from "vitest";
import { schemaMismatch, schemaProblem } from "../../../src/runtime/json-schema.ts";
import { openTestHttp } from "../../support/http.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const methods = ["get", "post", "put", "patch", "delete"] as const;

async function open(wish: Parameters<typeof openTestHttp>[1] = {}) {
  const http = await openTestHttp(services, { ...wish, http: { metricsText: async () => "" } });
  const document = (await http.get("/openapi.json")).json;
  /** With every component, so that references lead somewhere. */
  const schemaOf = (method: string, path: string, status: number | "default") => ({
    ...document.paths[path][method].responses[status].content["application/json"].schema,
    components: document.components,
  });
  return { ...http, document, schemaOf };
}

it("describes every route there is, and no other", async () => {
  const { document, get, send } = await open();

  const described = Object.entries<Record<string, { summary: string }>>(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary }]) => ({ route: `${method} ${path}`, method, path, summary })),
  );
  expect(described.filter(({ summary }) => summary === "Not described").map(({ route }) => route)).toEqual([]);
  expect(described.map(({ route }) => route)).toEqual(
    expect.arrayContaining([
      "post /v1/requests",
      "get /v1/requests/{id}/events",
      "post /v1/messages",
      "post /v1/chat/completions",
      "get /metrics",
      "get /reference",
    ]),
  );
  for (const { method, path } of described) {
    const there = path.replace("{id}", "none");
    const answer = await (method === "get" ? get(there) : send(method === "delete" ? "DELETE" : "POST", there, {}));
    expect(answer.json?.error?.code, `${method} ${path}`).not.toBe("unknown_route");
  }
});

it("has schemas that can be used, each under its name once", async () => {
  const { document } = await open();

  expect(document.openapi).toBe("3.1.0");
  const ids: string[] = [];
  for (const operations of Object.values<Record<string, unknown>>(document.paths)) {
    for (const method of methods) {
      if (!(method in operations)) continue;
      const operation: { operationId?: string } = Object(operations[method]);
      ids.push(String(operation.operationId));
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, schema] of Object.entries<object>(document.components.schemas)) {
    expect(schemaProblem({ ...schema, components: document.components }), name).toBeUndefined();
  }
  expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(["Request", "Problem", "Message"]));
});

it("holds of what is really answered", async () => {
  const { get, send, schemaOf, document } = await open({ workers: true });
  const order = { prompt: "Say hello", model: "gpt-5-mini" };
  const asked = { model: "gpt-5-mini", max_tokens: 9, messages: [{ role: "user", content: "Say hello" }] };

  const placed = await send("POST", "/v1/requests?wait_ms=20000", order);
  const later = await send("POST", "/v1/requests", [order, order]);
  const { id } = placed.json;
  const batchOf = (input: string) => ({
    input_file_id: input,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const anthropic = { "anthropic-version": "2023-06-01" };
  const newestBatch = async () => (await get("/v1/batches")).json.data[0].id;
  const answers: readonly (readonly [string, string, number | "default", { readonly json: unknown }])[] = [
    ["post", "/v1/requests", 200, placed],
    ["post", "/v1/requests", 202, later],
    ["post", "/v1/requests", "default", await send("POST", "/v1/requests", { novel: 1 })],
    ["get", "/v1/requests", 200, await get("/v1/requests")],
    ["get", "/v1/requests/{id}", 200, await get(`/v1/requests/${id}`)],
    ["get", "/v1/requests/{id}/events", 200, await get(`/v1/requests/${id}/events`)],
    ["post", "/v1/messages", 200, await send("POST", "/v1/messages", asked)],
    ["post", "/v1/messages", "default", await send("POST", "/v1/messages", { novel: 1 })],
    ["post", "/v1/messages/count_tokens", 200, await send("POST", "/v1/messages/count_tokens", asked)],
    ["post", "/v1/chat/completions", 200, await send("POST", "/v1/chat/completions", asked)],
    ["get", "/v1/models", 200, await get("/v1/models")],
    ["get", "/v1/models", 200, await get("/v1/models", anthropic)],
    ["get", "/v1/models", "default", await get("/v1/models?limit=0", anthropic)],
    ["get", "/v1/models/{path}", 200, await get("/v1/models/gpt-5-mini", anthropic)],
    ["get", "/v1/models/{path}", "default", await get("/v1/models/none")],
    ["get", "/v1/files", 200, await get("/v1/files")],
    ["post", "/v1/batches", 200, await send("POST", "/v1/batches", batchOf("file-1"))],
    ["get", "/v1/batches", 200, await get("/v1/batches")],
    ["get", "/v1/batches/{id}/progress", 200, await get(`/v1/batches/${await newestBatch()}/progress`)],
    ["get", "/v1/webhooks", 200, await get("/v1/webhooks")],
    ["get", "/healthz", 200, await get("/healthz")],
    ["get", "/readyz", 200, await get("/readyz")],
    ["get", "/openapi.json", 200, { json: document }],
  ];

  for (const [method, path, status, { json }] of answers) {
    expect(schemaMismatch(schemaOf(method, path, status), json), `${method} ${path} ${status}`).toBeUndefined();
  }
  const broken = { ...placed.json, state: "lost" };
  expect(schemaMismatch(schemaOf("get", "/v1/requests/{id}", 200), broken)).toContain("state");
});

it("is a page too, that loads nothing and runs nothing", async () => {
  const { get } = await open();

  const page = await get("/reference");

  expect(page.status).toBe(200);
  expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(page.text).toContain("/v1/requests/{id}/events");
  expect(page.text).not.toMatch(/<script|<link|<img|src=|style=/);
});
