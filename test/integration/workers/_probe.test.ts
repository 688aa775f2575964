import { expect, test } from "vitest";
import { promptBody } from "../../../src/request/body.ts";
import { startAll } from "../../../workers/all.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
test("window", async () => {
  const fleet = await openTestFleet(services);
  const answer = {
    ok: true as const,
    text: "x",
    finish: { unified: "stop" as const, raw: "s" },
    usage: { inputTokens: 1, outputTokens: 1 },
  };
  const slow = {
    call: async () => {
      await new Promise((r) => setTimeout(r, 200));
      return answer;
    },
    probe: async () => answer,
  };
  const workers = await startAll(fleet, { onError: console.error, connections: new Map([["anthropic", slow]]) });
  const orders = Array.from({ length: 8000 }, (_, i) => ({
    tenant: "t",
    priority: "bulk" as const,
    body: promptBody("claude-haiku-4-5", `${i}`),
  }));
  for (let i = 0; i < 8; i++) await fleet.intake.accept(orders.slice(i * 1000, i * 1000 + 1000));
  let deepest = 0;
  const until = Date.now() + 6000;
  while (Date.now() < until) {
    deepest = Math.max(deepest, (await fleet.lanes.depth("anthropic.haiku", "main")).waiting);
    await new Promise((r) => setTimeout(r, 20));
  }
  console.log("deepest", deepest, "drain 250/s so window should be 500");
  await workers.drain(0);
  expect(1).toBe(1);
});
