import { expect, test } from "vitest";
import { blockedRows, divertRows } from "../../../src/ledger/diversion.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { accepted, ending, openTestLedger, rowOf, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

test("a row that is diverted takes along what it spent here, and goes on from what it had spent there", async () => {
  const ledger = await openTestLedger(services);
  const [id = ""] = await accepted(ledger, 1);
  const claimed = await running(ledger, id);
  await recordRequests(ledger)(ending(claimed, { event: "handBack", spent: true }));
  const wish = { lane: claimed.lane, deployments: [claimed.deployment], stuckModels: [], limit: 10 };
  const rows = await blockedRows(ledger, wish);
  expect(rows).toMatchObject([{ id, deployment: claimed.deployment, spent: 1 }]);

  const there = { deployment: "openai/gpt-5-mini", lane: "openai.gpt-5-mini" };
  const left = { deployment: claimed.deployment, lane: claimed.lane, kind: "blocked", message: "", spent: 1 };
  await divertRows(ledger, [{ id, from: claimed.deployment, ...there, passedOver: [left], spentThere: 2 }]);
  expect(await rowOf(ledger, id)).toMatchObject({ ...there, deployment_attempt: 2, attempt: 1 });
  expect(await running(ledger, id)).toMatchObject({ attemptsSpent: 1, attemptsSpentHere: 2, passedOver: [left] });
});
