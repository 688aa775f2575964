/** What the request schema says beyond text, handed in and read back over HTTP. */
import { expect, it } from "vitest";
import { eventsOf, openTestHttp } from "../../support/http.ts";
import { answer, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { startWork } from "../../support/work.ts";

const services = useServices();
const wait = "/v1/requests?wait_ms=20000";
const model = "gpt-5-mini";

it("brings back what the model thought and which tools it calls, and what that took", async () => {
  const { send, get, fleet } = await openTestHttp(services);
  const parts = [
    { type: "reasoning" as const, text: "Hm.", signature: "seal", provider: "openai" },
    { type: "tool-call" as const, id: "a", name: "look", input: { at: 1 } },
  ];
  const usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4, audioInputTokens: 2 };
  const openai = testProvider((_call, io) => {
    io.onDelta({ type: "tool-call", index: 0, id: "a", name: "look", input: '{"at":1}' });
    return { ...answer(""), ok: true, parts, finish: { unified: "tool-calls", raw: "tool_calls" }, usage, text: "" };
  });
  await startWork(fleet, { openai });
  const tools = [{ name: "look", parameters: { type: "object" } }];

  const placed = await send("POST", wait, { model, prompt: "Look", tools, stream: true });

  expect(placed.json).toMatchObject({ state: "succeeded", warnings: [], result: { text: "", parts } });
  const shown = await get(`/v1/requests/${placed.json.id}`);
  const known = { input_tokens: 10, output_tokens: 5, cache_read_tokens: 4, audio_input_tokens: 2 };
  expect(shown.json.attempts).toMatchObject([{ usage: known }]);
  const events = eventsOf((await get(`/v1/requests/${placed.json.id}/stream`)).text);
  expect(events).toMatchObject([
    { event: "begin" },
    { event: "tool-call", data: { index: 0, id: "a", name: "look", input: '{"at":1}' } },
    { event: "usage", data: known },
    { event: "done", data: { state: "succeeded", finish: { unified: "tool-calls" } } },
  ]);
  const turns = [
    { role: "user", content: "Look" },
    { role: "assistant", content: placed.json.result.parts },
    { role: "tool", tool_call_id: "a", content: "seen" },
  ];
  const next = await send("POST", "/v1/requests", { model, messages: turns, tools });
  expect(next.status).toBe(202);
});

it("shows what the model said where that was not of the form that was asked for", async () => {
  const { send, fleet } = await openTestHttp(services, { settings: { attempts: { schemaRetries: 0 } } });
  await startWork(fleet, { openai: testProvider(() => answer("no JSON")) });

  const placed = await send("POST", wait, { model, prompt: "x", response_format: { type: "json" } });

  expect(placed.json).toMatchObject({ state: "failed", failure: { kind: "schema" }, rejected: "no JSON" });
});

it("warns of a model that is not known by name, once or for each of a list", async () => {
  const { send } = await openTestHttp(services);
  const novel = { model: "openai/gpt-of-tomorrow", prompt: "x" };

  const one = await send("POST", "/v1/requests", novel);
  const list = await send("POST", "/v1/requests", [novel, { model, prompt: "x" }]);

  expect(one.json.warnings).toEqual([expect.stringContaining("gpt-of-tomorrow is not known by name")]);
  expect(list.json.data).toMatchObject([{ warnings: one.json.warnings }, { warnings: [] }]);
});
