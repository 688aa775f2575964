import { expect, it, onTestFinished } from "vitest";
import { type ConnectOptions, Millrace, OrderRefused, RequestFailed } from "../../../producers/library/millrace.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { simulated } from "../../support/batch-files.ts";
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
