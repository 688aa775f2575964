import { once } from "node:events";
import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { call, goodKey, models } from "./clients.ts";

let simulator: Simulator;
afterEach(() => simulator.close());

const arrivalDelayMs = { p50: 80, p99: 80 };

test("a call is metered and noted when it arrives, not when it was sent", async () => {
  simulator = await startSimulator({ arrivalDelayMs });
  const sentAtMs = Date.now();
  const seen = await call(simulator, "openai");
  const [record] = simulator.ledger();
  expect(seen.isWhole).toBe(true);
  // Timers may be a millisecond early by the wall clock.
  expect((record?.atMs ?? 0) - sentAtMs).toBeGreaterThanOrEqual(79);
});

test("a caller that leaves on the way is neither metered nor noted", async () => {
  simulator = await startSimulator({ arrivalDelayMs, limits: { openai: { requestsPerMinute: 1 } } });
  const gone = request(`${simulator.baseUrls.openai}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${goodKey}` },
  });
  gone.on("error", () => {});
  gone.end(JSON.stringify({ model: models.openai, messages: [{ role: "user", content: "hi" }] }));
  await once(gone, "finish");
  gone.destroy();
  expect((await call(simulator, "openai")).isWhole).toBe(true);
  expect(simulator.ledger()).toHaveLength(1);
});
