/** Anthropic's own client, unchanged, against `/v1/messages`, whoever answers behind it. */
import Anthropic from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { saveEstimates } from "../../../src/ledger/estimates.ts";
import { eventually } from "../../support/eventually.ts";
import { heardUntil } from "../../support/heard.ts";
import { eventsOf, openTestHttp } from "../../support/http.ts";
import { answer, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { startWork } from "../../support/work.ts";

const services = useServices();
const asked = {
  model: "claude-haiku-4-5",
  max_tokens: 50,
  messages: [{ role: "user" as const, content: "Say hello" }],
};
const tools = [{ name: "look", description: "Looks", input_schema: { type: "object" as const, properties: {} } }];

async function open(wish: Parameters<typeof openTestHttp>[1] = { workers: true }, apiKey = "none") {
  const http = await openTestHttp(services, wish);
  return { ...http, client: new Anthropic({ baseURL: http.url, apiKey, maxRetries: 0 }) };
}

it("gives the official client an answer of any provider with its usage, whole, and streamed as it is kept", async () => {
  const { client, get } = await open();

  for (const model of ["claude-haiku-4-5", "openai/gpt-5-mini", "gemini/gemini-3.8-flash"]) {
    const { data, request_id: id } = await client.messages.create({ ...asked, model }).withResponse();

    expect(data).toMatchObject({ id: `msg_${id}`, type: "message", role: "assistant", stop_reason: "end_turn" });
    expect(data.content).toMatchObject([{ type: "text", text: expect.stringMatching(/\w/) }]);
    expect(data.usage.input_tokens).toBeGreaterThan(0);
    expect(data.usage.output_tokens).toBeGreaterThan(0);
    expect((await get(`/v1/requests/${id}`)).json).toMatchObject({ state: "succeeded", priority: "interactive" });

    const stream = client.messages.stream({ ...asked, model });
    const heard: string[] = [];
    stream.on("text", (text) => heard.push(text));
    const message = await stream.finalMessage();

    const { result, attempts } = (await get(`/v1/requests/${message.id.slice(4)}`)).json;
    expect(message).toMatchObject({ model, stop_reason: "end_turn", content: [{ type: "text", text: result.text }] });
    expect(heard.join("")).toBe(result.text);
    expect(message.usage).toMatchObject({
      input_tokens: attempts[0].input_tokens,
      output_tokens: attempts[0].output_tokens,
    });
  }
});

it("lets tools be called and answered, whole and streamed", async () => {
  const { client } = await open();
  const calling = { ...asked, tools, tool_choice: { type: "any" as const, disable_parallel_tool_use: true } };

  for (const model of ["claude-haiku-4-5", "openai/gpt-5-mini", "gemini/gemini-3.8-flash"]) {
    const whole = await client.messages.create({ ...calling, model });
    const streamed = await client.messages.stream({ ...calling, model }).finalMessage();
    for (const { stop_reason: reason, content } of [whole, streamed]) {
      expect(reason).toBe("tool_use");
      expect(content).toMatchObject([{ type: "tool_use", name: "look", id: expect.any(String) }]);
      expect(content[0]).toHaveProperty("input");
    }

    const [call] = streamed.content;
    if (call?.type !== "tool_use") throw new Error("no call");
    const next = await client.messages.create({
      ...asked,
      model,
      tools,
      messages: [
        ...asked.messages,
        { role: "assistant", content: streamed.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "seen" }] },
      ],
    });
    expect(next.stop_reason).toBe("end_turn");
  }
});

it("streams thoughts with their seals, and takes them back as they came", async () => {
  const http = await openTestHttp(services);
  const parts = [
    { type: "reasoning" as const, text: "Hm.", signature: "seal", provider: "openai" },
    { type: "text" as const, text: "Hello" },
    { type: "tool-call" as const, id: "a", name: "look", input: { at: 1 } },
  ];
  const openai = testProvider((_call, io) => {
    io.onDelta({ type: "reasoning", text: "Hm." });
    io.onDelta({ type: "reasoning", text: "", signature: "seal", provider: "openai" });
    io.onDelta({ type: "text", text: "Hel" });
    io.onDelta({ type: "text", text: "lo" });
    return {
      ...answer("Hello"),
      ok: true,
      text: "Hello",
      parts,
      finish: { unified: "tool-calls", raw: "x" },
      usage: {},
    };
  });
  await startWork(http.fleet, { openai });
  const client = new Anthropic({ baseURL: http.url, apiKey: "none" });
  const thinking = { type: "enabled" as const, budget_tokens: 1_024 };

  const stream = client.messages.stream({ ...asked, model: "openai/gpt-5-mini", tools, thinking });
  const types: string[] = [];
  for await (const event of stream)
    types.push("delta" in event && "type" in event.delta ? event.delta.type : event.type);
  const { content } = await stream.finalMessage();

  expect(types).toEqual([
    "message_start",
    "content_block_start",
    "thinking_delta",
    "signature_delta",
    "content_block_stop",
    "content_block_start",
    "text_delta",
    "text_delta",
    "content_block_stop",
    "content_block_start",
    "input_json_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(content).toMatchObject([
    { type: "thinking", thinking: "Hm.", signature: "openai:seal" },
    { type: "text", text: "Hello" },
    { type: "tool_use", id: "a", name: "look", input: { at: 1 } },
  ]);
  const messages = [
    ...asked.messages,
    { role: "assistant" as const, content },
    { role: "user" as const, content: [{ type: "tool_result" as const, tool_use_id: "a", content: "seen" }] },
  ];
  const { id } = await client.messages.create({ ...asked, model: "openai/gpt-5-mini", tools, messages });
  const [row] = await http.fleet.ledger.sql`
    select content from payloads where request_id = ${id.slice(4)} and kind = 'body'`;
  expect(row?.["content"].messages[1].content).toEqual(parts);
});

it("answers what goes wrong as errors of the client's own classes, and stores nothing of what it refuses", async () => {
  const { client, simulator, fleet } = await open();

  const refused = await client.messages.create({ ...asked, model: "no-such-model" }).catch((error) => error);
  const tool = { type: "web_search_20260209" as const, name: "web_search" as const };
  const server = await client.messages.create({ ...asked, tools: [tool] }).catch((error) => error);
  const [row] = await fleet.ledger.sql`select count(*)::int as n from requests`;
  simulator.order({ kind: "auth", times: 5 });
  const failed = await client.messages.create(asked).catch((error) => error);

  expect(refused).toBeInstanceOf(Anthropic.NotFoundError);
  expect(refused.error).toMatchObject({
    type: "error",
    error: { type: "not_found_error", message: expect.stringContaining("no-such-model") },
    request_id: refused.requestID,
  });
  expect(server).toBeInstanceOf(Anthropic.BadRequestError);
  expect(server.message).toContain("web_search_20260209");
  expect(row?.["n"]).toBe(0);
  expect(failed).toBeInstanceOf(Anthropic.InternalServerError);
  expect(failed.error.error.type).toBe("overloaded_error");
});

it("tells an answer that breaks off midway by an error event", async () => {
  const { client, simulator, send } = await open({
    workers: true,
    simulator: { outputTokens: { p50: 60, p99: 60 } },
    settings: { attempts: { total: 1 } },
  });
  simulator.order({ kind: "cut-stream", afterTokens: 20, times: 9 });

  const broken = await client.messages
    .stream(asked)
    .finalMessage()
    .catch((error) => error);
  simulator.order({ kind: "cut-stream", afterTokens: 20, times: 9 });
  const raw = await send("POST", "/v1/messages", { ...asked, stream: true });

  expect(broken).toBeInstanceOf(Anthropic.APIError);
  expect(eventsOf(raw.text).at(-1)).toMatchObject({
    event: "error",
    data: { type: "error", error: { type: "overloaded_error" }, request_id: raw.headers.get("request-id") },
  });
});

it("bridges a long wait with ping events, as often as is set", async () => {
  const http = await openTestHttp(services, { http: { keepAliveMs: 20 } });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = testProvider(() => gate.then(() => answer("Hello")));
  await startWork(http.fleet, { anthropic: slow });

  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ ...asked, stream: true });
  const stream = await fetch(`${http.url}/v1/messages`, { method: "POST", headers, body });
  const heard = await heardUntil(stream, /event: ping\ndata: .*\n\n/);
  go();
  const rest = eventsOf(await heard.rest()).map(({ event }) => event);

  expect(eventsOf(heard.text)[0]).toEqual({ id: undefined, event: "ping", data: { type: "ping" } });
  expect(rest.filter((event) => event !== "ping")).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
});

it("ends the provider's call when the client leaves", async () => {
  const { client, simulator, fleet } = await open();
  simulator.order({ kind: "hang", afterTokens: 1 });

  const stream = client.messages.stream(asked);
  stream.on("text", () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);

  await eventually("it is cancelled", async () => {
    const [row] = await fleet.ledger.sql`select state from requests`;
    return row?.["state"] === "cancelled";
  });
});

it("takes keys either way, and knows which are none", async () => {
  const { fleet, url, send } = await open({ workers: false });
  const { key } = await createKey(fleet.ledger, { tenant: "acme", name: "test", scope: "use" });
  const count = { model: asked.model, messages: asked.messages };
  const clientWith = (options: object) => new Anthropic({ baseURL: url, maxRetries: 0, ...options });

  const wrong = await clientWith({ apiKey: "mr-wrong" })
    .messages.create(asked)
    .catch((error) => error);
  expect(wrong).toBeInstanceOf(Anthropic.AuthenticationError);
  expect(wrong.error.error.type).toBe("authentication_error");
  expect((await clientWith({ apiKey: key }).messages.countTokens(count)).input_tokens).toBeGreaterThan(0);
  const headers = { "x-api-key": key, "anthropic-version": "1999-01-01" };
  expect((await send("POST", "/v1/messages/count_tokens", count, headers)).status).toBe(200);
});

it("counts tokens by its estimate and what it has learned of the model, and stores nothing", async () => {
  const { client, fleet } = await open({ workers: false });
  const count = { model: asked.model, system: "Be brief", tools, messages: asked.messages };

  const guessed = await client.messages.countTokens(count);
  await saveEstimates(fleet.ledger, [{ deployment: `anthropic/${asked.model}`, inputRatio: 2, outputTokens: 9 }]);
  const learned = await client.messages.countTokens(count);
  const refused = await client.messages.countTokens({ ...count, model: "no-such-model" }).catch((error) => error);

  expect(guessed.input_tokens).toBeGreaterThan(10);
  expect(learned.input_tokens).toBe(guessed.input_tokens * 2);
  expect(refused).toBeInstanceOf(Anthropic.NotFoundError);
  const [row] = await fleet.ledger.sql`select count(*)::int as n from requests`;
  expect(row?.["n"]).toBe(0);
});
