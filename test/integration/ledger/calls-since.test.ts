import { expect, test } from "vitest";
import { callsSince } from "../../../src/ledger/calls-since.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { accepted, call, ending, openTestLedger, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

test("calls since a moment are counted by deployment and failure, and what they used is summed as far as it is known", async () => {
  const ledger = await openTestLedger(services);
  const record = recordRequests(ledger);
  const since = new Date();
  const ids = await accepted(ledger, 4);
  const used = call({ usage: { inputTokens: 100, outputTokens: 7, cacheReadTokens: 40 } });
  const refused = call({ outcome: "failed", failureKind: "rate", usage: {} });
  for (const [at, attempt] of [used, used, call({ usage: {} }), refused].entries()) {
    await record(ending(await running(ledger, ids[at] ?? ""), { attempt, event: "handBack" }));
  }
  const deployment = "anthropic/claude-haiku-4-5";
  const found = await callsSince(ledger, "anthropic", since);
  expect(found.sort((one, other) => other.calls - one.calls)).toEqual([
    {
      deployment,
      failureKind: undefined,
      calls: 3,
      usage: { inputTokens: 200, outputTokens: 14, cacheReadTokens: 80 },
    },
    { deployment, failureKind: "rate", calls: 1, usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 } },
  ]);
  expect(await callsSince(ledger, "openai", since)).toEqual([]);
  expect(await callsSince(ledger, "anthropic", new Date(Date.now() + 1))).toEqual([]);
});
