/** Answers to OpenAI's client that a fleet gives only under settings, or from providers, of their own. */
import { AuthenticationError, NotFoundError, RateLimitError } from "openai";
import { expect, it } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { openTestHttp } from "../../support/http.ts";
import { apiError, openaiOf, weather } from "../../support/openai.ts";
import { answer, failure, later, testProvider } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";
import { startWork } from "../../support/work.ts";

const services = useServices();
const messages = [{ role: "user" as const, content: "Say hello" }];
const model = "openai/gpt-5-mini";

it("an answer holds what the model thought, and a refusal where it refuses", async () => {
  const own = await openTestHttp(services);
  const parts = [
    { type: "reasoning" as const, text: "Hm." },
    { type: "text" as const, text: "No." },
  ];
  const finish = { unified: "content-filter", raw: "refusal" } as const;
  await startWork(own.fleet, {
    openai: testProvider(() => ({ ...answer("No."), ok: true, text: "No.", parts, finish, usage: {} })),
  });

  const { choices, usage } = await openaiOf(own).chat.completions.create({ model, messages });

  expect(choices[0]).toMatchObject({
    finish_reason: "stop",
    message: { content: null, refusal: "No.", reasoning_content: "Hm." },
  });
  expect(usage).toBeNull();
});

it("a stream brings what must come back sealed with its last chunk", async () => {
  const own = await openTestHttp(services);
  const call = { type: "tool-call" as const, id: "a", name: "weather", input: { city: "Bangor" }, signature: "seal" };
  const openai = testProvider((_call, io) => {
    io.onDelta({ type: "reasoning", text: "Hm." });
    io.onDelta({ type: "tool-call", index: 0, id: "a", name: "weather", input: '{"city": "Bangor"}' });
    const parts = [{ type: "reasoning" as const, text: "Hm.", signature: "deep", provider: "openai" }, call];
    return { ok: true, text: "", parts, finish: { unified: "tool-calls", raw: "tool_calls" }, usage: {} };
  });
  await startWork(own.fleet, { openai });

  const stream = openaiOf(own).chat.completions.stream({ model, messages, tools: [weather] });

  expect((await stream.finalChatCompletion()).choices[0]?.message).toMatchObject({
    reasoning_parts: [{ text: "Hm.", signature: "deep", provider: "openai" }],
    tool_calls: [{ id: "a", signature: "seal", function: { name: "weather" } }],
  });
});

it("a stream says that it is still there while nothing comes", async () => {
  const own = await openTestHttp(services, { workers: true, http: { keepAliveMs: 20 } });
  own.simulator.order({ kind: "slow", ms: 200 });

  const { text } = await own.send("POST", "/v1/chat/completions", { model, messages, stream: true });

  expect(text.indexOf(": still at it")).toBeLessThan(text.indexOf("data: "));
  expect(text).toMatch(/data: \[DONE\]\n\n$/);
});

it("a client tries again what may pass", async () => {
  const own = await openTestHttp(services, { settings: { backlog: { maxOpen: 1 } } });
  await own.send("POST", "/v1/requests", { prompt: "in the way" });
  let calls = 0;
  const impatient = async (...args: Parameters<typeof fetch>) => {
    calls += 1;
    const reply = await fetch(...args);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(reply.headers.get("x-should-retry")).toBeNull();
    return new Response(reply.body, { status: reply.status, headers: { "retry-after-ms": "1" } });
  };
  const client = openaiOf(own, { maxRetries: 2, fetch: impatient });

  const failed = await apiError(client.chat.completions.create({ model, messages }));

  expect([failed.status, calls]).toEqual([503, 3]);
});

it("a limit that a provider set for the day is told as a rate limit that is in vain to try again", async () => {
  const own = await openTestHttp(services, { settings: { attempts: { perDeployment: 1, total: 1 } } });
  await startWork(own.fleet, { openai: testProvider(() => failure("quotaHard", { message: "no credit left" })) });

  const failed = await apiError(openaiOf(own).chat.completions.create({ model, messages }));

  expect(failed).toBeInstanceOf(RateLimitError);
  expect(failed.headers?.get("x-should-retry")).toBe("false");
});

it("an answer that takes longer than its client waits ends by its deadline, a stream only when nobody is there", async () => {
  const own = await openTestHttp(services);
  const openai = testProvider(({ prompt }, io) => {
    if (prompt === "stream") io.onDelta({ type: "text", text: "so" });
    return later(1_500, io, answer("so much"));
  });
  await startWork(own.fleet, { openai });
  const patience = { headers: { "x-stainless-timeout": "1" } };
  const client = openaiOf(own);

  const [failed, whole] = await Promise.all([
    apiError(client.chat.completions.create({ model, messages }, patience)),
    client.chat.completions.stream({ model, messages: [{ role: "user", content: "stream" }] }, patience).finalContent(),
  ]);

  expect(failed).toMatchObject({ status: 504, code: "deadline" });
  expect(whole).toBe("so much");
});

it("a key opens the answers of its own tenant, and no others", async () => {
  const own = await openTestHttp(services, { workers: true });
  const clientOf = async (tenant: string) => {
    const { key } = await createKey(own.fleet.ledger, { tenant, name: "test", scope: "use" });
    return openaiOf(own, { apiKey: key });
  };
  const [red, blue] = [await clientOf("red"), await clientOf("blue")];
  const body = { model, input: "Say hello" };
  const once = { headers: { "idempotency-key": "once" } };

  const wrong = await apiError(openaiOf(own, { apiKey: "mr-wrong" }).responses.create(body));
  const answered = await red.responses.create(body, once);
  const other = await blue.responses.create(body, once);
  const item = { type: "item_reference" as const, id: answered.output[0]?.id ?? "" };
  const stolen = await apiError(blue.responses.create({ model, input: [{ role: "user", content: "x" }, item] }));

  expect(wrong).toBeInstanceOf(AuthenticationError);
  expect(other.id).not.toBe(answered.id);
  expect((await red.responses.retrieve(answered.id)).output_text).toBe(answered.output_text);
  expect(await apiError(blue.responses.retrieve(answered.id))).toBeInstanceOf(NotFoundError);
  expect(await apiError(blue.responses.cancel(answered.id))).toBeInstanceOf(NotFoundError);
  expect(stolen).toMatchObject({ status: 400, param: "input[1].id" });
  expect((await red.responses.create({ model, input: [{ role: "user", content: "x" }, item] })).status).toBe(
    "completed",
  );
});
