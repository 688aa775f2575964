import { expect, it } from "vitest";
import { laneCensus } from "../../../src/ledger/lane-census.ts";
import { cancelRequest } from "../../../src/ledger/requests.ts";
import { promptBody } from "../../../src/request/body.ts";
import type { Priority } from "../../../src/request/priority.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const lanes = ["openai.gpt-5-mini", "anthropic.haiku", "gemini.other"];

it("counts what is open in each lane, and how long the oldest has waited for a call", async () => {
  const fleet = await openTestFleet(services);
  const order = (model: string, tenant: string, priority: Priority) => ({
    body: promptBody(model, "Hello"),
    tenant,
    priority,
  });
  const accepted = await fleet.intake.accept([
    order("gpt-5-mini", "acme", "standard"),
    order("gpt-5-mini", "globex", "bulk"),
    order("gpt-5-mini", "acme", "bulk"),
    order("gpt-5-mini", "acme", "interactive"),
    order("claude-haiku-4-5", "acme", "interactive"),
    order("claude-haiku-4-5", "acme", "standard"),
  ]);
  const ids = accepted.map((entry) => (entry.ok ? entry.id : ""));
  const { sql } = fleet.ledger;
  await sql`update requests set created_at = now() - interval '1 hour' where id = ${ids[1] ?? ""}`;
  await sql`update requests set created_at = now() - interval '1 day', state = 'held' where id = ${ids[2] ?? ""}`;
  await cancelRequest(fleet.ledger, ids[5] ?? "");

  const census = await laneCensus(fleet.ledger, lanes);

  const none = { queued: 0, dispatched: 0, running: 0, waiting: 0, held: 0 };
  expect(census.map(({ lane, counts }) => [lane, counts])).toEqual([
    ["openai.gpt-5-mini", { ...none, queued: 2, dispatched: 1, held: 1 }],
    ["anthropic.haiku", { ...none, dispatched: 1 }],
    ["gemini.other", none],
  ]);
  const [openai, anthropic, gemini] = census.map(({ oldestMs }) => oldestMs);
  expect(openai).toBeGreaterThanOrEqual(3_600_000);
  expect(openai).toBeLessThan(3_700_000);
  expect(anthropic).toBeLessThan(60_000);
  expect(gemini).toBeUndefined();
});
