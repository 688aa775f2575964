import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { type ConnectOptions, Millrace, OrderRefused, RequestFailed } from "../../../producers/library/millrace.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { plainLines, simulated } from "../../support/batch-files.ts";
import { workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

async function connect(options: ConnectOptions = {}) {
  const simulator = await startSimulator({ outputTokens: { p50: 20, p99: 40 } });
  onTestFinished(() => simulator.close());
  const millrace = await Millrace.connect({
    directory: workFolder(),
    ...options,
    environment: {
      ...simulated(simulator),
      REDIS_URL: await services.emptyRedis(),
      DATABASE_URL: await services.emptyDatabase(),
      ...options.environment,
    },
  });
  onTestFinished(() => millrace.close());
  return { millrace, simulator };
}

it("runs a request and tells who answered and what it cost", async () => {
  const { millrace } = await connect({ workers: true });

  const answer = await millrace.run({ model: "gpt-5-mini", prompt: "Say hello", system: "Be brief", temperature: 0 });

  expect(answer).toMatchObject({ provider: "openai", model: "gpt-5-mini", finish: { unified: "stop" } });
  expect(answer.text).toMatch(/\w/);
  expect(answer.costNanoUsd).toBeGreaterThan(0n);
  expect(await millrace.result(answer.id)).toEqual({ state: "succeeded", answer });
});

it("does not know the cost of a call whose usage nobody told", async () => {
  const { millrace, simulator } = await connect({ workers: true });
  simulator.order({ kind: "missing-usage" });

  const answer = await millrace.run({ prompt: "Say hello" });

  expect(answer.costNanoUsd).toBeUndefined();
});

it("stores a request once for each key, and cancels it", async () => {
  const { millrace } = await connect();
  const ask = { messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Say hello" }] }] };

  const id = await millrace.enqueue({ ...ask, idempotencyKey: "k" });
  const again = await millrace.enqueue({ ...ask, idempotencyKey: "k" });

  expect(again).toBe(id);
  await expect(millrace.enqueue({ prompt: "Another", idempotencyKey: "k" })).rejects.toThrow(OrderRefused);
  expect(await millrace.result(id)).toEqual({ state: "queued", reason: undefined });
  expect([await millrace.cancel(id), await millrace.cancel(id)]).toEqual([true, false]);
  expect(await millrace.result(id)).toMatchObject({ state: "cancelled" });
  expect(await millrace.result("01890000-0000-7000-8000-000000000000")).toBeUndefined();
});

it("refuses what cannot be sent", async () => {
  const { millrace } = await connect({ environment: { GOOGLE_API_KEY: "" } });

  await expect(millrace.enqueue({ model: "gpt-99", prompt: "x" })).rejects.toThrow('No model is called "gpt-99"');
  await expect(millrace.enqueue({ model: "gemini-3.8-flash", prompt: "x" })).rejects.toThrow("set GOOGLE_API_KEY");
  await expect(millrace.enqueue({ prompt: "x", temperature: 7 })).rejects.toThrow("temperature must be at most 2");
});

it("says why a request failed", async () => {
  const { millrace, simulator } = await connect({ workers: true });
  simulator.order({ kind: "auth" });

  const failed = await millrace.run({ prompt: "Say hello" }).catch((error: unknown) => error);

  expect(failed).toBeInstanceOf(RequestFailed);
  expect(failed).toMatchObject({ state: "failed", message: expect.stringMatching(/failed: auth: /) });
});

it("leaves a request running when its caller stops waiting", async () => {
  const { millrace, simulator } = await connect({ workers: true });
  simulator.order({ kind: "slow", ms: 700 });
  const leaving = new AbortController();
  const running = millrace.run({ prompt: "Say hello", idempotencyKey: "k" }, { signal: leaving.signal });
  await eventually("the call is under way", () => simulator.ledger().length === 1);

  leaving.abort(new Error("enough"));

  await expect(running).rejects.toThrow("enough");
  const answer = await millrace.run({ prompt: "Say hello", idempotencyKey: "k" });
  expect(answer.provider).toBe("anthropic");
  expect(simulator.ledger()).toHaveLength(1);
});

it("tells an answer in pieces and whole, also to a caller that does not iterate", async () => {
  const { millrace } = await connect({ workers: true });
  const ask = { prompt: "Say hello", model: "gpt-5-mini" };

  const stream = millrace.stream(ask);
  const texts: string[] = [];
  for await (const piece of stream) if (piece.type === "text") texts.push(piece.text);
  const answer = await stream.answer;

  expect(texts.length).toBeGreaterThan(1);
  expect(texts.join("")).toBe(answer.text);
  expect(await millrace.stream(ask).answer).toMatchObject({ provider: "openai" });
});

it("rejects the iteration of an answer that fails, and the answer alike", async () => {
  const { millrace } = await connect();

  const stream = millrace.stream({ prompt: "x", model: "gpt-99" });
  const reading = (async () => {
    for await (const piece of stream) throw new Error(`said ${piece.type}`);
  })();

  await expect(reading).rejects.toThrow(OrderRefused);
  await expect(stream.answer).rejects.toThrow(OrderRefused);
});

it("reads an answer with the schema that asked for it", async () => {
  const { millrace, simulator } = await connect({ workers: true });
  const schema = z.object({ name: z.string(), rivers: z.array(z.string()) });

  const { parsed, text } = await millrace.run({ prompt: "Wales", model: "gpt-5-mini", schema });
  const streamed = await millrace.stream({ prompt: "Wales", schema }).answer;

  const names: readonly string[] = [...parsed.rivers, parsed.name, streamed.parsed.name];
  expect(names.every((name) => typeof name === "string")).toBe(true);
  expect(JSON.parse(text)).toEqual(parsed);
  expect(simulator.ledger()).toHaveLength(2);
});

it("answers a batch in the order of its items, and the same batch again without another call", async () => {
  const { millrace, simulator } = await connect({ workers: true });
  simulator.order({ kind: "filtered", provider: "anthropic" });
  const models = ["gpt-5-mini", "claude-haiku-4-5", "gpt-5-mini"];
  const items = models.map((model, at) => ({ id: `item-${at}`, prompt: `Number ${at}`, model }));
  const endsOf = async (batch: Awaited<ReturnType<typeof millrace.batch>>) => {
    const ends: string[] = [];
    for await (const { id, state } of batch.results()) ends.push(`${id} ${state}`);
    return ends;
  };

  const batch = await millrace.batch(items);
  const ends = await endsOf(batch);
  const again = await millrace.batch(items);

  expect(ends).toEqual(["item-0 succeeded", "item-1 failed", "item-2 succeeded"]);
  expect([batch.fresh, again.fresh, again.id]).toEqual([true, false, batch.id]);
  expect(await endsOf(again)).toEqual(ends);
  expect(await batch.progress()).toMatchObject({ total: 3, succeeded: 2, failed: 1, queued: 0 });
  expect(simulator.ledger()).toHaveLength(3);
});

it("takes a batch from a file, and cancels one", async () => {
  const { millrace } = await connect();
  const file = join(workFolder(), "lines.jsonl");
  writeFileSync(file, plainLines(4).join("\n"));

  const batch = await millrace.batch({ file });
  await batch.cancel();

  const ids: string[] = [];
  for await (const { id, state } of batch.results()) ids.push(`${id} ${state}`);
  expect(ids).toEqual([0, 1, 2, 3].map((at) => `plain-${at} cancelled`));
});

it("refuses a batch whole, with what is wrong of its items", async () => {
  const { millrace } = await connect();
  const file = join(workFolder(), "lines.jsonl");
  writeFileSync(file, `${plainLines(1)[0]}\n{"novel": 1}\n`);
  const good = { prompt: "x" };

  const bad = millrace.batch([good, { ...good, model: "gpt-99" }, { ...good, temperature: 7 }]);
  await expect(bad).rejects.toThrow(/\[1\] No model is called "gpt-99".*\[2\] temperature must be at most 2/);
  await expect(
    millrace.batch([
      { ...good, id: "a" },
      { ...good, id: "a" },
    ]),
  ).rejects.toThrow("[1] has an id");
  await expect(millrace.batch([])).rejects.toThrow("a batch needs an item");
  await expect(millrace.batch({ file })).rejects.toThrow(/lines\.jsonl:2: /);
  await expect(millrace.batch({ file: `${file}.absent` })).rejects.toThrow("does not exist");
});
